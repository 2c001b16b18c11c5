import { VaultError } from '../providers/vault/vault-error.ts'
import type { Clock } from './session-clock.ts'

/** Asks Vault something with the token; what it answers is of no interest. */
export type Witness = (token: string) => Promise<unknown>

/** A token that never worked is not found dead sooner than this after the one before it. */
const anotherVerdictMs = 60_000

/**
 * Tells a token that Vault no longer knows from a call that its policy forbids: Vault answers both with the same 403.
 * However many calls ask at once, one look-up is under way.
 */
export class TokenLookup {
  readonly #lookupSelf: Witness
  readonly #useKey: Witness
  readonly #clock: Clock
  #current: { readonly token: string; readonly dead: Promise<boolean> } | undefined
  #working = ''
  #foundDeadAtMs = Number.NEGATIVE_INFINITY

  /** `useKey` is a call that the policy should grant. It is asked where the token may not look at itself. */
  constructor(ways: { readonly lookupSelf: Witness; readonly useKey: Witness; readonly clock: Clock }) {
    this.#lookupSelf = ways.lookupSelf
    this.#useKey = ways.useKey
    this.#clock = ways.clock
  }

  /** Makes the call with the token, and remembers that it was answered. */
  async use<T>(token: string, call: (token: string) => Promise<T>): Promise<T> {
    const result = await call(token)
    this.#working = token
    return result
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
    if (!(await refuses(this.#lookupSelf(token)))) return false
    // A role can leave out the policy that lets tokens look at themselves.
    if (!(await refuses(this.#useKey(token)))) return false
    // Where policy forbids both, no token ever works, and each login would only lead to the next.
    const nowMs = this.#clock.steadyMs()
    if (token !== this.#working && nowMs - this.#foundDeadAtMs < anotherVerdictMs) return false
    this.#foundDeadAtMs = nowMs
    return true
  }
}

/** Whether the call is answered with 403. What else Vault finds wrong with it, it finds after it has admitted the token. */
async function refuses(call: Promise<unknown>): Promise<boolean> {
  try {
    await call
    return false
  } catch (error) {
    if (isForbidden(error)) return true
    if (isAdmitted(error)) return false
    throw error
  }
}

function isAdmitted(error: unknown): boolean {
  return error instanceof VaultError && error.kind === 'refused' && [400, 404].includes(error.status)
}

/** Whether Vault itself answered 403. */
export function isForbidden(error: unknown): boolean {
  return error instanceof VaultError && error.kind === 'refused' && error.status === 403
}

/**
 * Whether Vault found role id or secret id wrong: that it counts, and locks the role out. A 403 (no such mount or namespace, a
 * disabled entity, a role that is locked out) and an address that the role leaves out say nothing of them, and may be mended.
 */
export function isWrongCredentials(error: unknown): boolean {
  if (!(error instanceof VaultError) || error.kind !== 'refused') return false
  return error.status === 400 && error.refusal !== 'source-address'
}

/** Whether Vault understood and said no, so that asking again in the same way is no use. */
export function isRefused(error: unknown): boolean {
  return error instanceof VaultError && error.kind === 'refused' && [400, 403].includes(error.status)
}
