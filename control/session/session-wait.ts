import { unlessAborted } from '../unless-aborted.ts'
import type { Clock } from './session-clock.ts'

/** As long as a call to Vault may take: shorter than the deadline of the service's own clients, so that they hear what is wrong. */
const loginWaitMs = 4_000

/** Waits until the login is over, the signal ends or the time is up, whichever comes first. Rejects if the login did. */
export async function waitForLogin(
  login: Promise<void>,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal | undefined },
): Promise<void> {
  let cancel = () => {}
  const late = new Promise<void>((resolve) => {
    cancel = clock.after(loginWaitMs, resolve)
  })
  try {
    await unlessAborted(Promise.race([login, late]), signal)
  } finally {
    cancel()
  }
}
