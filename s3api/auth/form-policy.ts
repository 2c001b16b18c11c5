import { S3Error } from '../errors.ts'
import { parseBase64, parseDecimal } from '../text.ts'

/** The policy of a form: what its signer lets it hold (S3 API reference, "POST policy"). */
export interface FormPolicy {
  readonly expiresAtMs: number
  readonly conditions: readonly FormCondition[]
}

export type FormCondition =
  | { readonly kind: 'eq' | 'starts-with'; readonly field: string; readonly value: string }
  | { readonly kind: 'length'; readonly min: number; readonly max: number }

/** Fields that no condition needs to name: the signature's own, and those that S3 ignores. */
const freeFields = new Set(['file', 'policy', 'signature', 'awsaccesskeyid', 'x-amz-signature'])
const conditionsMax = 1_000

/** From the form's field, base64 of JSON. Errors: InvalidPolicyDocument. */
export function parseFormPolicy(field: string): FormPolicy {
  const bytes = parseBase64(field)
  let value: unknown
  try {
    value = bytes && JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (error) {
    throw new S3Error('InvalidPolicyDocument', 'Invalid JSON.', { cause: error })
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalid('it is no JSON object')
  for (const name of Object.keys(value)) {
    if (name !== 'expiration' && name !== 'conditions') throw invalid(`unexpected ${name}`)
  }
  // An object without members of its own but these two.
  const { expiration, conditions } = value as { expiration?: unknown; conditions?: unknown }
  if (!Array.isArray(conditions) || conditions.length > conditionsMax) throw invalid('conditions are missing')
  return { expiresAtMs: parseExpiration(expiration), conditions: conditions.map(parseCondition) }
}

/**
 * Judges the form by its policy: it must not have expired, every condition must hold, and every field must be one that a
 * condition names. Errors: AccessDenied, EntityTooSmall, EntityTooLarge.
 */
export function checkFormPolicy(
  { expiresAtMs, conditions }: FormPolicy,
  form: {
    readonly bucket: string
    /** As they will be, with the file's name in them. */
    readonly fields: ReadonlyMap<string, string>
    readonly fileSize: number
    readonly nowMs: number
  },
): void {
  const denied = (why: string) => new S3Error('AccessDenied', `Invalid according to Policy: ${why}`)
  if (expiresAtMs <= form.nowMs) throw denied('Policy expired.')
  const fields = new Map([...form.fields, ['bucket', form.bucket]])
  const named = new Set<string>()
  for (const condition of conditions) {
    if (condition.kind === 'length') {
      checkLength(condition, form.fileSize)
      continue
    }
    named.add(condition.field)
    if (holds(condition, fields.get(condition.field))) continue
    throw denied(
      `Policy Condition failed: ["${condition.kind}", "$${condition.field}", "${condition.value}"]`,
    )
  }
  // The bucket is part of what is signed away: a policy that does not name it would hold for any.
  for (const name of fields.keys()) {
    if (named.has(name) || freeFields.has(name)) continue
    if (name.startsWith('x-ignore-') || name.startsWith('x-amz-checksum-')) continue
    throw denied(`Extra input fields: ${name}`)
  }
}

function holds({ kind, field, value }: Exclude<FormCondition, { kind: 'length' }>, given = ''): boolean {
  if (kind === 'eq') return given === value
  // Several types can be given at once (the same page).
  if (field === 'content-type') return given.split(',').every((type) => type.trim().startsWith(value))
  return given.startsWith(value)
}

function checkLength({ min, max }: { readonly min: number; readonly max: number }, size: number): void {
  const elements = { ProposedSize: String(size), MinSizeAllowed: String(min), MaxSizeAllowed: String(max) }
  if (size < min) throw new S3Error('EntityTooSmall', undefined, { elements })
  if (size > max) throw new S3Error('EntityTooLarge', undefined, { elements })
}

function parseExpiration(value: unknown): number {
  const shaped = typeof value === 'string' && /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?Z$/.test(value)
  const timeMs = shaped ? Date.parse(value) : Number.NaN
  if (Number.isNaN(timeMs)) throw invalid('its expiration is no ISO 8601 time')
  return timeMs
}

function parseCondition(value: unknown): FormCondition {
  if (Array.isArray(value)) return parseListCondition(value)
  if (typeof value !== 'object' || value === null) throw invalid('a condition is neither object nor list')
  const [entry, ...others] = Object.entries(value)
  if (entry === undefined || others.length > 0) throw invalid('a condition names not exactly one field')
  const [field, wanted] = entry
  if (typeof wanted !== 'string') throw invalid('the value of a condition is no text')
  return { kind: 'eq', field: field.toLowerCase(), value: wanted }
}

function parseListCondition(list: readonly unknown[]): FormCondition {
  const [operator, first, second] = list
  if (list.length !== 3 || typeof operator !== 'string') throw invalid('a condition has not three elements')
  const name = operator.toLowerCase()
  if (name === 'content-length-range') {
    const [min, max] = [parseDecimal(String(first)), parseDecimal(String(second))]
    if (min === undefined || max === undefined || min > max) throw invalid('a content-length-range is none')
    return { kind: 'length', min, max }
  }
  if (name !== 'eq' && name !== 'starts-with') throw invalid(`${name} is not an operator`)
  if (typeof first !== 'string' || !first.startsWith('$') || typeof second !== 'string') {
    throw invalid(`${name} is not followed by a field and a text`)
  }
  const field = first.slice(1).toLowerCase()
  return { kind: name, field, value: second }
}

function invalid(why: string): S3Error {
  return new S3Error('InvalidPolicyDocument', `Invalid Policy: ${why}`)
}
