import { parseHeaders, parseTarget } from '../../s3api/http/target.ts'

/** A request as verify.ts gets it, from its URL and headers as they came over the wire. */
export function requestToVerify(
  method: string,
  rawUrl: string,
  headers: Readonly<Record<string, string>> | readonly string[],
) {
  const rawHeaders: readonly string[] = Array.isArray(headers) ? headers : Object.entries(headers).flat()
  const parsed = parseHeaders(rawHeaders)
  return {
    method,
    rawUrl,
    rawHeaders,
    headers: parsed,
    ...parseTarget(rawUrl, parsed.get('host'), []),
  }
}
