import * as v from 'valibot'

/** The forms that MinIO and KES have given a data key that is sealed under a master key (FORMAT.md §3.6). */

export const dataKeySize = 32
export const tagSize = 16
const ivSize = 16
const nonceSize = 12
const sealedSize = dataKeySize + tagSize
const binarySize = sealedSize + ivSize + nonceSize
/** Hexadecimal digits. */
const idSize = 32

export type MinioAead = 'aes-256-gcm' | 'chacha20-poly1305'

export interface MinioSealedKey {
  /** Those that may have sealed it; a form that does not tell leaves it to what KES's store says of the key. */
  readonly aeads: readonly MinioAead[]
  /** What KES calls the id of the key; absent where the form has none. */
  readonly id?: string
  readonly iv: Uint8Array
  readonly nonce: Uint8Array
  /** With the tag behind. */
  readonly bytes: Uint8Array
}

/** Undefined for what is in none of the forms. Their sizes differ; bytes alone may begin and end like any of the others. */
export function parseMinioSealedKey(sealed: Uint8Array): MinioSealedKey | undefined {
  if (sealed.length === binarySize) return parseBinary(sealed)
  return sealed[0] === messagePackArray ? parseMessagePack(sealed) : parseJson(sealed)
}

/** Since 2024, of both; MinIO's are of AES. */
function parseBinary(sealed: Uint8Array): MinioSealedKey {
  return {
    aeads: ['aes-256-gcm', 'chacha20-poly1305'],
    iv: sealed.subarray(sealedSize, -nonceSize),
    nonce: sealed.subarray(-nonceSize),
    bytes: sealed.subarray(0, sealedSize),
  }
}

/** Of KES, from April 2022 to January 2024: an array of five items, each of one size but for the first. */
const messagePackArray = 0x95
const fixedText = 0xa0
const text = 0xd9
const binary = 0xc4
const messagePackAeads = {
  'AES256-GCM_SHA256': 'aes-256-gcm',
  'XCHACHA20-POLY1305': 'chacha20-poly1305',
  AES256: 'aes-256-gcm',
  ChaCha20: 'chacha20-poly1305',
} as const satisfies Record<string, MinioAead>

function parseMessagePack(sealed: Uint8Array): MinioSealedKey | undefined {
  for (const [name, aead] of Object.entries(messagePackAeads)) {
    const head = Buffer.from([messagePackArray, fixedText | name.length, ...Buffer.from(name)])
    if (!head.equals(sealed.subarray(0, head.length))) continue
    const [id, iv, nonce, bytes] = messagePackItems(sealed.subarray(head.length), [
      [text, idSize],
      [binary, ivSize],
      [binary, nonceSize],
      [binary, sealedSize],
    ])
    if (id === undefined || iv === undefined || nonce === undefined || bytes === undefined) return undefined
    return { aeads: [aead], id: Buffer.from(id).toString('latin1'), iv, nonce, bytes }
  }
  return undefined
}

/** Items of these types and sizes and nothing behind them; none where it is anything else. */
function messagePackItems(
  bytes: Uint8Array,
  heads: readonly (readonly [type: number, size: number])[],
): readonly Uint8Array[] {
  const items: Uint8Array[] = []
  let offset = 0
  for (const [type, size] of heads) {
    if (bytes[offset] !== type || bytes[offset + 1] !== size) return []
    items.push(bytes.subarray(offset + 2, offset + 2 + size))
    offset += 2 + size
  }
  return offset === bytes.length ? items : []
}

/** Of MinIO from May 2021 to 2024; of KES until April 2022, with an id since September 2021. */
const jsonAeads = {
  'AES-256-GCM-HMAC-SHA-256': 'aes-256-gcm',
  ChaCha20Poly1305: 'chacha20-poly1305',
} as const satisfies Record<string, MinioAead>

const base64 = (size: number) =>
  v.pipe(
    v.string(),
    v.base64(),
    v.transform((value) => new Uint8Array(Buffer.from(value, 'base64'))),
    v.check(({ length }) => length === size),
  )
const schema = v.strictObject({
  aead: v.picklist(['AES-256-GCM-HMAC-SHA-256', 'ChaCha20Poly1305']),
  id: v.optional(v.string()),
  iv: base64(ivSize),
  nonce: base64(nonceSize),
  bytes: base64(sealedSize),
})

function parseJson(sealed: Uint8Array): MinioSealedKey | undefined {
  try {
    const { aead, id, ...parts } = v.parse(schema, JSON.parse(Buffer.from(sealed).toString('utf8')))
    return { aeads: [jsonAeads[aead]], ...(id !== undefined && { id }), ...parts }
  } catch {
    // Not in this form.
    return undefined
  }
}
