import type { VaultGrant } from '../providers/vault/vault-client.ts'
import type { Clock } from './session-clock.ts'

/** The token of a session, as its login or last renewal left it. */
export interface Token {
  readonly value: string
  readonly leaseSeconds: number
  readonly renewable: boolean
  /** What the login granted: asked for again at each renewal. */
  readonly loginLeaseSeconds: number
  /** From the grant; Infinity for ever. */
  readonly leaseMs: number
  /** On the steady clock; Infinity for never. */
  readonly expiresAtMs: number
}

/** What a grant makes of it. The lease began when it was asked for, at the earliest. */
export function toToken(
  { token: value, leaseSeconds, renewable }: VaultGrant,
  {
    askedAtMs,
    loginLeaseSeconds,
    clock,
  }: { readonly askedAtMs: number; readonly loginLeaseSeconds: number; readonly clock: Clock },
): Token {
  // A renewal for less than a second is granted 0, too: only a login makes a token without an end.
  const leaseMs = loginLeaseSeconds === 0 ? Number.POSITIVE_INFINITY : leaseSeconds * 1000
  // At worst half of it is used up: an answer so slow that nothing is left of its lease must not end in a standstill.
  const expiresAtMs = Math.max(askedAtMs + leaseMs, clock.steadyMs() + leaseMs / 2)
  return { value, leaseSeconds, renewable, loginLeaseSeconds, leaseMs, expiresAtMs }
}
