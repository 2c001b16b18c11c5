import { messageOf } from './errors.ts'
import type { Services } from './operation.ts'

/** Whoever asks how we are does not wait as long as the store may take, and the answer has metrics with it. */
const storeCheckMs = 3_000

export interface Readiness {
  readonly ready: boolean
  readonly reasons: readonly string[]
}

/** Whether requests can be served now, and why not. Takes a few seconds at most. */
export async function readiness({ backend, keys }: Pick<Services, 'backend' | 'keys'>): Promise<Readiness> {
  const failed = (name: string) => (error: unknown) => `${name}: ${messageOf(error)}`
  const [store, kms] = await Promise.all([
    inTime(backend.check()).then(() => undefined, failed('store')),
    keys?.status().then(({ ready, reason }) => (ready ? undefined : `KMS: ${reason}`), failed('control')),
  ])
  const written = keys?.reason === undefined ? undefined : `store: ${keys.reason}`
  const reasons = [store, kms, written].filter((reason) => reason !== undefined)
  return { ready: reasons.length === 0, reasons }
}

/** The check goes on for as long as it takes: what is late is not waited for. */
async function inTime(check: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    const error = new Error(`no answer within ${storeCheckMs / 1000} s`)
    timer = setTimeout(reject, storeCheckMs, error)
  })
  try {
    await Promise.race([check, late])
  } finally {
    clearTimeout(timer)
  }
}
