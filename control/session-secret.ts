import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { SecretSource } from './config.ts'
import { KmsError } from './errors.ts'

const secretSizeMax = 4096
/** Below the five after which Vault locks a role out for everybody. */
export const refusalsMax = 3

/**
 * The secret id, read from its source each time it is needed, and how often Vault has refused it in a row. Of a
 * refused one only the digest is kept.
 */
export class SessionSecret {
  readonly #source: SecretSource
  #readDigest = ''
  #refusedDigest = ''
  #refusals = 0

  constructor(source: SecretSource) {
    this.#source = source
  }

  /** Whether the source can change while we run. */
  get changeable(): boolean {
    return this.#source.kind === 'file'
  }

  /** Whether it has been refused as often as we dare to offer it. */
  get stopped(): boolean {
    return this.#refusals >= refusalsMax
  }

  /** The secret as its source holds it now; the caller wipes it. Errors: not-configured, naming the file. */
  async read(): Promise<Uint8Array> {
    const { kind } = this.#source
    const secret = kind === 'value' ? this.#source.value.slice() : await readSecretFile(this.#source.path)
    this.#readDigest = digestOf(secret)
    return secret
  }

  accepted(): void {
    this.#refusals = 0
  }

  /** Vault refused what was read last. */
  refused(): void {
    this.#refusals = this.#readDigest === this.#refusedDigest ? this.#refusals + 1 : 1
    this.#refusedDigest = this.#readDigest
  }

  /** Whether the source holds another secret than the refused one; if so, that one starts with a clean slate. */
  async renewed(): Promise<boolean> {
    // A file that cannot be read, half-way through its replacement for instance, has not changed yet.
    const secret = await this.read().catch(() => undefined)
    secret?.fill(0)
    if (secret === undefined || this.#readDigest === this.#refusedDigest) return false
    this.#refusals = 0
    return true
  }
}

function digestOf(secret: Uint8Array): string {
  return createHash('sha256').update(secret).digest('base64')
}

/** White space at the end is dropped: editors and `echo` add it. */
async function readSecretFile(path: string): Promise<Uint8Array> {
  const content = await readFile(path).catch((cause) => {
    throw new KmsError('not-configured', `the secret id cannot be read from ${path}`, { cause })
  })
  let size = content.length
  while (size > 0 && isSpace(content[size - 1])) size--
  const secret = new Uint8Array(content.subarray(0, size))
  content.fill(0)
  if (size === 0) throw new KmsError('not-configured', `${path} is empty: it should hold the secret id`)
  if (size > secretSizeMax) throw new KmsError('not-configured', `${path} is too large to be a secret id`)
  return secret
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d
}
