import type { Logger } from 'pino'
import type { ControlConfig } from '../config.ts'
import { createProvider } from '../providers/index.ts'
import type { Check } from '../providers/provider.ts'

const pollMs = 50
/** One login and its deadline. */
const loginMsMax = 12_000

/**
 * Examines the KMS that a configuration names, without a control service: one login is tried, whatever comes of it.
 * Errors: KmsError `not-configured` for what can be told from the configuration alone.
 */
export async function diagnoseKms(
  config: ControlConfig['provider'],
  { log, signal }: { readonly log: Logger; readonly signal: AbortSignal },
): Promise<readonly Check[]> {
  const provider = createProvider(config, log)
  try {
    provider.start()
    const endMs = Date.now() + loginMsMax
    while (Date.now() < endMs && !settled(provider.session()) && !signal.aborted) {
      await new Promise((resolve) => setTimeout(resolve, pollMs))
    }
    return await provider.diagnose(signal)
  } finally {
    await provider.close()
  }
}

function settled({
  ready,
  lastErrorAtMs,
}: {
  readonly ready: boolean
  readonly lastErrorAtMs: number
}): boolean {
  return ready || lastErrorAtMs > 0
}
