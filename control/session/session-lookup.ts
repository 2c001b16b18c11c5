import { VaultError } from '../providers/vault/vault-error.ts'

/**
 * Tells a token that Vault no longer knows from a call that its policy forbids: Vault answers both with the same 403.
 * However many calls ask at once, one look-up is under way.
 */
export class TokenLookup {
  readonly #lookupSelf: (token: string) => Promise<unknown>
  #current: { readonly token: string; readonly dead: Promise<boolean> } | undefined

  constructor(lookupSelf: (token: string) => Promise<unknown>) {
    this.#lookupSelf = lookupSelf
  }

  /** Whether Vault refuses the token itself. Errors: VaultError where Vault does not tell. */
  async isDead(token: string): Promise<boolean> {
    // A look-up that began before our call was refused can prove that the token is dead, not that it lives.
    if (this.#current?.token === token && (await this.#current.dead)) return true
    if (this.#current?.token !== token) this.#begin(token)
    return (await this.#current?.dead) === true
  }

  #begin(token: string): void {
    const current = { token, dead: this.#ask(token) }
    this.#current = current
    const end = () => {
      if (this.#current === current) this.#current = undefined
    }
    current.dead.then(end, end)
  }

  async #ask(token: string): Promise<boolean> {
    try {
      await this.#lookupSelf(token)
      return false
    } catch (error) {
      if (isForbidden(error)) return true
      throw error
    }
  }
}

/** Whether Vault itself answered 403. */
export function isForbidden(error: unknown): boolean {
  return error instanceof VaultError && error.kind === 'refused' && error.status === 403
}

/** Whether Vault understood and said no, so that asking again in the same way is no use. */
export function isRefused(error: unknown): boolean {
  return error instanceof VaultError && error.kind === 'refused' && [400, 403].includes(error.status)
}
