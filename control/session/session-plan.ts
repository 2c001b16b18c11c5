import { VaultError } from '../providers/vault/vault-error.ts'
import type { Clock } from './session-clock.ts'

/** Of a lease, when it is renewed: half of it leaves time for many retries, the jitter parts instances that began together. */
const renewalFraction = 0.5
const renewalJitter = 0.15
/** A renewal that grants less than this part of what the login did has met the token's maximal life. */
const shrunkFraction = 0.9
const backoffMsMin = 1_000
const backoffMsMax = 30_000
/** While a token lives, its renewal is tried this often in what remains at least. */
const triesBeforeExpiry = 4
const renewalRetryMsMin = 250
/** Less than this no renewal is given to be answered. */
const renewalDeadlineMsMin = 500
/** Longer ones come from a misconfigured proxy, and we would be gone for so long. */
export const retryAfterMsMax = 60_000

/** How long to wait from the grant of a lease to its renewal. */
export function renewalDelayMs(leaseMs: number, clock: Clock): number {
  return leaseMs * (renewalFraction + renewalJitter * clock.random())
}

/** Whether a renewed lease shows that the token cannot be prolonged for long any more. */
export function isShrunk(leaseMs: number, loginLeaseMs: number): boolean {
  return leaseMs < loginLeaseMs * shrunkFraction
}

/** The wait after one that was `previousMs` long, 0 for the first: decorrelated jitter, 1 to 30 s. */
export function nextBackoffMs(previousMs: number, clock: Clock): number {
  const spread = Math.max(0, previousMs * 3 - backoffMsMin)
  return Math.min(backoffMsMax, backoffMsMin + spread * clock.random())
}

/** The same, shortened where the token would die over it. */
export function renewalRetryMs(backoffMs: number, remainingMs: number): number {
  return Math.max(renewalRetryMsMin, Math.min(backoffMs, remainingMs / triesBeforeExpiry))
}

/** How long a renewal may take, so that one without an answer leaves time for others. */
export function renewalDeadlineMs(remainingMs: number): number {
  return Math.max(renewalDeadlineMsMin, remainingMs / triesBeforeExpiry)
}

/** The wait, prolonged to what Vault asked for with `Retry-After`, within reason. */
export function respecting(retryAfterMs: number, waitMs: number): number {
  return Math.max(waitMs, Math.min(retryAfterMs, retryAfterMsMax))
}

/** What Vault asked for, 0 where it asked for nothing. */
export function retryAfterMsOf(error: unknown): number {
  return error instanceof VaultError ? error.retryAfterMs : 0
}
