import { KmsError } from '../errors.ts'
import { isKeyId } from '../key-ids.ts'

/** What a request may carry; more is refused before the provider sees it. */
const contextEntriesMax = 64
/** Names and values together, bytes. */
const contextSizeMax = 16 * 1024
const sealedKeySizeMax = 128 * 1024
const payloadSizeMax = 64 * 1024

/** Errors: KmsError `key-not-found` for what cannot be a key's id, also for none where there is no other to fall back to. */
export function parseKeyId(text: string, fallback?: string): string {
  if (text === '' && fallback !== undefined) return fallback
  if (!isKeyId(text)) throw new KmsError('key-not-found', 'the key id is not a valid name')
  return text
}

export function parseContext(context: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const entries = Object.entries(context)
  const size = entries.reduce(
    (sum, [name, value]) => sum + Buffer.byteLength(name) + Buffer.byteLength(value),
    0,
  )
  if (entries.length > contextEntriesMax || size > contextSizeMax) {
    const most = `${contextEntriesMax} entries and ${contextSizeMax} bytes`
    throw new KmsError(
      'too-large',
      `an encryption context has at most ${most}, not ${entries.length} and ${size}`,
    )
  }
  return context
}

/** What to open: key id, sealed bytes and context, each within its bounds. */
export function parseSealed(request: {
  readonly keyId: string
  readonly sealed: Uint8Array
  readonly context: Readonly<Record<string, string>>
}) {
  const keyId = parseKeyId(request.keyId)
  const context = parseContext(request.context)
  const { sealed } = request
  if (sealed.length === 0 || sealed.length > sealedKeySizeMax) {
    throw new KmsError('invalid-ciphertext', `a sealed key of ${sealed.length} bytes`)
  }
  return { keyId, sealed, context }
}

export function requirePayload(plaintext: Uint8Array): void {
  if (plaintext.length > 0 && plaintext.length <= payloadSizeMax) return
  throw new KmsError('too-large', `a payload has 1..${payloadSizeMax} bytes, not ${plaintext.length}`)
}
