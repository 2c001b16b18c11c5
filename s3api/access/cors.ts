/** Cross-origin resource sharing of a bucket (S3 user guide, "Using cross-origin resource sharing (CORS)"; the Fetch standard). */
export interface CorsRule {
  readonly id?: string
  readonly origins: readonly string[]
  readonly methods: readonly CorsMethod[]
  readonly headers: readonly string[]
  readonly exposed: readonly string[]
  readonly maxAgeSeconds?: number
}

export const corsMethods = ['GET', 'PUT', 'POST', 'DELETE', 'HEAD'] as const
export type CorsMethod = (typeof corsMethods)[number]
export const corsSetting = 'cors'

/** What a browser says of itself. */
export interface CorsQuestion {
  readonly origin: string
  readonly method: string
  /** Lower-case names of the headers that a preflight asks for. */
  readonly headers: readonly string[]
}

/** The first rule that allows it. */
export function matchingRule(rules: readonly CorsRule[], question: CorsQuestion): CorsRule | undefined {
  return rules.find(
    ({ origins, methods, headers }) =>
      methods.some((method) => method === question.method) &&
      origins.some((pattern) => matches(pattern, question.origin)) &&
      allowsHeaders(headers, question.headers),
  )
}

function allowsHeaders(patterns: readonly string[], names: readonly string[]): boolean {
  if (names.length === 0) return true
  const allowed = patterns.map((pattern) => pattern.toLowerCase())
  const exact = new Set(allowed)
  const starred = allowed.filter((pattern) => pattern.includes('*'))
  return names.every((name) => exact.has(name) || starred.some((pattern) => matches(pattern, name)))
}

/** The response headers that let the browser's page have the response. */
export function corsHeaders(rule: CorsRule, { origin, headers }: CorsQuestion): Record<string, string> {
  const anyOrigin = rule.origins.includes('*')
  return {
    'Access-Control-Allow-Origin': anyOrigin ? '*' : origin,
    'Access-Control-Allow-Methods': rule.methods.join(', '),
    ...(headers.length > 0 && { 'Access-Control-Allow-Headers': headers.join(', ') }),
    ...(rule.exposed.length > 0 && { 'Access-Control-Expose-Headers': rule.exposed.join(', ') }),
    ...(rule.maxAgeSeconds !== undefined && { 'Access-Control-Max-Age': String(rule.maxAgeSeconds) }),
    ...(!anyOrigin && { 'Access-Control-Allow-Credentials': 'true' }),
    Vary: 'Origin, Access-Control-Request-Headers, Access-Control-Request-Method',
  }
}

export function toStoredCors(rules: readonly CorsRule[]): string {
  return JSON.stringify(rules)
}

/** Reads what {@link toStoredCors} wrote. */
export function fromStoredCors(text: string): readonly CorsRule[] {
  const rules: unknown = JSON.parse(text)
  if (!Array.isArray(rules)) throw new Error('the CORS configuration of the bucket cannot be read')
  return rules
}

/** With one star at most, which stands for anything. */
function matches(pattern: string, text: string): boolean {
  const star = pattern.indexOf('*')
  if (star === -1) return pattern === text
  const [before, after] = [pattern.slice(0, star), pattern.slice(star + 1)]
  return text.length >= before.length + after.length && text.startsWith(before) && text.endsWith(after)
}
