import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { SecretSource } from '../config.ts'
import { KmsError } from '../errors.ts'

const secretSizeMax = 4096
/** Below the five after which Vault locks a role out for everybody. */
const refusalsMax = 3

/** Exchanges a response-wrapping token for the secret id that it stands for. */
export type Unwrap = (wrappingToken: Uint8Array) => Promise<Uint8Array>

/**
 * The secret id, read from its source each time it is needed, and how often Vault has refused it in a row. Of a
 * refused one only the digest is kept. What came out of a wrapping token is kept: the token works once.
 */
export class SessionSecret {
  readonly #source: SecretSource
  readonly #unwrap: Unwrap
  #unwrapped: { readonly digest: string; readonly secretId: Uint8Array } | undefined
  #readDigest = ''
  #refusedDigest = ''
  #refusals = 0

  constructor(source: SecretSource, unwrap: Unwrap) {
    this.#source = source
    this.#unwrap = unwrap
  }

  /** Whether the source can change while we run. */
  get changeable(): boolean {
    return this.#source.kind === 'file'
  }

  /** Whether it has been refused as often as we dare to offer it. */
  get stopped(): boolean {
    return this.#refusals >= refusalsMax
  }

  /** The secret id as its source holds it now; the caller wipes it. Errors: not-configured, naming the file; VaultError. */
  async read(): Promise<Uint8Array> {
    const given = await this.#readSource()
    if (this.#source.wrapped !== true) return given
    const digest = this.#readDigest
    if (this.#unwrapped?.digest !== digest) {
      const secretId = await this.#unwrap(given).finally(() => given.fill(0))
      this.#unwrapped?.secretId.fill(0)
      this.#unwrapped = { digest, secretId }
    }
    return new Uint8Array(this.#unwrapped.secretId)
  }

  accepted(): void {
    this.#refusals = 0
  }

  /** Vault refused what was read last. */
  refused(): void {
    this.#refusals = this.#readDigest === this.#refusedDigest ? this.#refusals + 1 : 1
    this.#refusedDigest = this.#readDigest
  }

  /** Whether the source holds something else than what was refused; if so, that starts with a clean slate. */
  async renewed(): Promise<boolean> {
    // A file that cannot be read, half-way through its replacement for instance, has not changed yet.
    const given = await this.#readSource().catch(() => undefined)
    given?.fill(0)
    if (given === undefined || this.#readDigest === this.#refusedDigest) return false
    this.#refusals = 0
    return true
  }

  /** Forgets what it keeps. */
  wipe(): void {
    this.#unwrapped?.secretId.fill(0)
    this.#unwrapped = undefined
  }

  async #readSource(): Promise<Uint8Array> {
    const given = await readSecret(this.#source)
    this.#readDigest = createHash('sha256').update(given).digest('base64')
    return given
  }
}

/** Why no login is tried any more, and what ends that. */
export function haltedReason({ changeable }: SessionSecret, why: string): string {
  const cure = changeable ? 'put a new one into its file' : 'restart with a valid one'
  return `logins halted: vault refused the role id or secret id ${refusalsMax} times; ${cure}; the last was: ${why}`
}

/** What the source holds now, the caller's to wipe. Errors: not-configured, naming the file. */
export async function readSecret(source: SecretSource): Promise<Uint8Array> {
  // A copy, which slice() of a Buffer is not: the next login reads it again.
  return source.kind === 'value' ? new Uint8Array(source.value) : await readSecretFile(source.path)
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
