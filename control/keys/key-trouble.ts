import { KmsError } from '../errors.ts'

type Use = 'generate' | 'open' | 'encrypt'

/**
 * What the KMS last refused to do with the default key. A refusal is an answer, so that session and circuit are well; but
 * whoever asks how control is ought to hear that nothing can be sealed, or opened.
 */
export class KeyTrouble {
  readonly #keyId: string
  readonly #refusals = new Map<Use, string>()

  constructor(keyId: string) {
    this.#keyId = keyId
  }

  /** Of one refusal that stands; empty when there is none. */
  get reason(): string {
    const [reason = ''] = this.#refusals.values()
    return reason
  }

  /** The call, one to the KMS. */
  async observe<T>(use: Use, keyId: string, call: Promise<T>): Promise<T> {
    if (keyId !== this.#keyId) return call
    try {
      const result = await call
      this.#refusals.delete(use)
      return result
    } catch (error) {
      const refused =
        error instanceof KmsError && (error.code === 'access-denied' || error.code === 'key-not-found')
      if (refused) this.#refusals.set(use, `the KMS refuses the default key: ${error.message}`)
      throw error
    }
  }
}
