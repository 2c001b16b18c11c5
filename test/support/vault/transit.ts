import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'
import { integer, oneError, Refusal, text, type VaultRequest } from './reply.ts'

interface TransitKey {
  readonly derived: boolean
  /** Index 0 is version 1. */
  readonly versions: Buffer[]
  minDecryptionVersion: number
  minEncryptionVersion: number
}

const nonceSize = 12
const tagSize = 16

export interface TransitOptions {
  /** For a ciphertext that is not authentic: 400 today, 500 from servers up to 1.8 or so. */
  readonly tamperedStatus: 400 | 500
}

/** A transit mount with keys of type aes256-gcm96. */
export class Transit {
  readonly #keys = new Map<string, TransitKey>()
  readonly #options: TransitOptions

  constructor(options: TransitOptions) {
    this.#options = options
  }

  handle({ method, path, body }: VaultRequest): { data?: unknown } | undefined {
    const [, operation = '', name = ''] =
      /^(datakey\/plaintext|datakey\/wrapped|encrypt|decrypt|rewrap)\/([^/]+)$/.exec(path) ?? []
    if (operation !== '' && method === 'GET') throw new Refusal(405, oneError('unsupported operation'))
    switch (operation) {
      case '':
        return this.#handleKey(method, path, body)
      case 'encrypt':
        if (!('plaintext' in body)) throw new Refusal(400, 'missing plaintext to encrypt')
        return { data: this.#encrypt(this.#create(name, {}), body, fromBase64(body, 'plaintext')) }
      case 'decrypt':
        return { data: { plaintext: this.#decrypt(this.#need(name), body).toString('base64') } }
      case 'rewrap':
        return { data: this.#encrypt(this.#need(name), body, this.#decrypt(this.#need(name), body)) }
      default:
        return { data: this.#dataKey(this.#need(name), body, operation.endsWith('plaintext')) }
    }
  }

  has(name: string): boolean {
    return this.#keys.has(name)
  }

  #handleKey(method: string, path: string, body: VaultRequest['body']): { data?: unknown } | undefined {
    if (path === 'keys' && method === 'LIST') {
      if (this.#keys.size === 0) throw new Refusal(404, '')
      return { data: { keys: [...this.#keys.keys()].sort() } }
    }
    const [, name = '', leaf] = /^keys\/([^/]+)(?:\/(rotate|config))?$/.exec(path) ?? []
    if (name === '') throw new Refusal(404, `no handler for route "transit/${path}". route entry not found.`)
    if (leaf !== undefined && !this.#keys.has(name)) throw new Refusal(400, 'key not found')
    if (leaf === 'rotate') this.#need(name).versions.push(randomBytes(32))
    else if (leaf === 'config') configure(this.#need(name), body)
    else if (method !== 'GET') this.#create(name, body)
    const key = this.#keys.get(name)
    if (key === undefined) throw new Refusal(404, '')
    if (method !== 'GET') return undefined
    return { data: describe(name, key) }
  }

  #need(name: string): TransitKey {
    const key = this.#keys.get(name)
    if (key === undefined) throw new Refusal(400, 'encryption key not found')
    return key
  }

  /** The key of that name, made if there is none. */
  #create(name: string, body: VaultRequest['body']): TransitKey {
    const known = this.#keys.get(name)
    if (known !== undefined) return known
    const derived = text(body, 'derived') === 'true'
    const key = { derived, versions: [randomBytes(32)], minDecryptionVersion: 1, minEncryptionVersion: 0 }
    this.#keys.set(name, key)
    return key
  }

  #dataKey(key: TransitKey, body: VaultRequest['body'], open: boolean): object {
    const bits = integer(body, 'bits') || 256
    if (![128, 256, 512].includes(bits)) throw new Refusal(400, 'invalid bit length')
    const plaintext = randomBytes(bits / 8)
    const sealed = this.#encrypt(key, body, plaintext)
    return open ? { ...sealed, plaintext: plaintext.toString('base64') } : sealed
  }

  #encrypt(key: TransitKey, body: VaultRequest['body'], plaintext: Buffer): object {
    const version = integer(body, 'key_version') || key.versions.length
    if (version < 0) throw new Refusal(400, 'requested version for encryption is negative')
    if (version > key.versions.length) {
      throw new Refusal(400, 'requested version for encryption is higher than the latest key version')
    }
    if (version < key.minEncryptionVersion) {
      throw new Refusal(
        400,
        'requested version for encryption is less than the minimum encryption key version',
      )
    }
    if (version < key.minDecryptionVersion) throw new Refusal(400, 'no such key version')
    const nonce = randomBytes(nonceSize)
    const cipher = createCipheriv('aes-256-gcm', keyBytes(key, version, body), nonce)
    cipher.setAAD(fromBase64(body, 'associated_data'))
    const sealed = Buffer.concat([nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()])
    return { ciphertext: `vault:v${version}:${sealed.toString('base64')}`, key_version: version }
  }

  #decrypt(key: TransitKey, body: VaultRequest['body']): Buffer {
    const ciphertext = text(body, 'ciphertext')
    if (ciphertext === '') throw new Refusal(400, 'missing ciphertext to decrypt')
    const { version, sealed } = parseCiphertext(ciphertext)
    if (version > key.versions.length) throw new Refusal(400, 'invalid ciphertext: version is too new')
    if (version < key.minDecryptionVersion) {
      throw new Refusal(400, 'ciphertext or signature version is disallowed by policy (too old)')
    }
    if (sealed.length < nonceSize) throw new Refusal(400, 'invalid ciphertext length')
    try {
      const nonce = sealed.subarray(0, nonceSize)
      const decipher = createDecipheriv('aes-256-gcm', keyBytes(key, version, body), nonce)
      decipher.setAAD(fromBase64(body, 'associated_data'))
      decipher.setAuthTag(sealed.subarray(sealed.length - tagSize))
      return Buffer.concat([decipher.update(sealed.subarray(nonceSize, -tagSize)), decipher.final()])
    } catch (error) {
      if (error instanceof Refusal) throw error
      const { tamperedStatus } = this.#options
      const words = 'cipher: message authentication failed'
      throw new Refusal(tamperedStatus, tamperedStatus === 500 ? oneError(words) : words)
    }
  }
}

function configure(key: TransitKey, body: VaultRequest['body']): void {
  key.minDecryptionVersion = integer(body, 'min_decryption_version') || key.minDecryptionVersion
  key.minEncryptionVersion = integer(body, 'min_encryption_version') || key.minEncryptionVersion
}

function describe(
  name: string,
  { derived, versions, minDecryptionVersion, minEncryptionVersion }: TransitKey,
) {
  return {
    name,
    type: 'aes256-gcm96',
    derived,
    exportable: false,
    deletion_allowed: false,
    latest_version: versions.length,
    min_decryption_version: minDecryptionVersion,
    min_encryption_version: minEncryptionVersion,
    keys: Object.fromEntries(versions.map((_, index) => [String(index + 1), Math.floor(Date.now() / 1000)])),
  }
}

/** The context counts for derived keys only, where it must be there. For all others it is not even looked at. */
function keyBytes(
  { derived, versions }: TransitKey,
  version: number,
  body: VaultRequest['body'],
): Uint8Array {
  const key = versions[version - 1] ?? Buffer.alloc(0)
  const context = fromBase64(body, 'context')
  if (!derived) return key
  if (context.length === 0) throw new Refusal(400, "missing 'context' for key derivation")
  return new Uint8Array(hkdfSync('sha256', key, '', context, 32))
}

function parseCiphertext(ciphertext: string): { version: number; sealed: Buffer } {
  if (!ciphertext.startsWith('vault:v')) throw new Refusal(400, 'invalid ciphertext: no prefix')
  const fields = ciphertext.slice('vault:v'.length).split(':')
  if (fields.length !== 2) throw new Refusal(400, 'invalid ciphertext: wrong number of fields')
  const version = Number(fields[0])
  if (!Number.isInteger(version))
    throw new Refusal(400, 'invalid ciphertext: version number could not be decoded')
  // Version 0 is an old way to write 1.
  return {
    version: version || 1,
    sealed: decodeBase64(fields[1] ?? '', 'invalid ciphertext: could not decode base64'),
  }
}

function fromBase64(body: VaultRequest['body'], name: string): Buffer {
  const refusal =
    name === 'context' ? 'failed to base64-decode context' : 'illegal base64 data at input byte 0'
  return decodeBase64(text(body, name), refusal)
}

function decodeBase64(value: string, refusal: string): Buffer {
  if (value.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(value)) throw new Refusal(400, refusal)
  return Buffer.from(value, 'base64')
}
