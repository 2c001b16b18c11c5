import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Credential } from '../config.ts'

/** Signing keys of Signature V4, derived once a day, region and credential. */

const algorithm = 'AWS4-HMAC-SHA256'
const keysMax = 1_000

/** The scope of a signature: its day as YYYYMMDD, and the region. */
export interface Scope {
  readonly date: string
  readonly region: string
}

const cache = new Map<string, Uint8Array>()

/** 32 bytes; shared, not to be changed. */
export function signingKey({ accessKey, secretKey }: Credential, { date, region }: Scope): Uint8Array {
  const name = `${accessKey}\n${secretKey}\n${date}\n${region}`
  const known = cache.get(name)
  if (known !== undefined) return known
  const key = ['s3', 'aws4_request'].reduce<Uint8Array>(
    (parent, text) => hmac(parent, text),
    hmac(hmac(Buffer.from(`AWS4${secretKey}`, 'utf8'), date), region),
  )
  // The oldest goes: a day's keys are made anew the next day anyway.
  if (cache.size >= keysMax) cache.delete(cache.keys().next().value ?? '')
  cache.set(name, key)
  return key
}

export function credentialScope({ date, region }: Scope): string {
  return `${date}/${region}/s3/aws4_request`
}

/** Hex signature of the lines of a string to sign, after algorithm, time and scope. */
export function sign(
  key: Uint8Array,
  {
    kind = algorithm,
    time,
    scope,
    lines,
  }: {
    readonly kind?: string
    /** YYYYMMDDTHHMMSSZ */
    readonly time: string
    readonly scope: Scope
    readonly lines: readonly string[]
  },
): string {
  return Buffer.from(hmac(key, [kind, time, credentialScope(scope), ...lines].join('\n'))).toString('hex')
}

/** Compares hex texts in constant time. */
export function sameHex(given: string, expected: string): boolean {
  return sameText(given, expected)
}

/** Compares texts in time that depends on their sizes alone. */
export function sameText(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given, 'latin1'), Buffer.from(expected, 'latin1')]
  return a.length === b.length && timingSafeEqual(a, b)
}

function hmac(key: Uint8Array, text: string): Uint8Array {
  return createHmac('sha256', key).update(text, 'utf8').digest()
}
