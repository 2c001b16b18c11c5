import type { Logger } from 'pino'
import { Registry } from 'prom-client'
import { createProvider, type KmsConfig } from '../providers/index.ts'
import type { Check, Provider } from '../providers/provider.ts'

const pollMs = 50
/** One login and its deadline. */
const loginMsMax = 12_000

/**
 * Examines the KMS that a configuration names, without a control service: one login is tried, whatever comes of it; none
 * with a wrapped secret id, which a login would use up.
 * Errors: KmsError `not-configured` for what can be told from the configuration alone.
 */
export async function diagnoseKms(
  config: KmsConfig,
  { log, signal }: { readonly log: Logger; readonly signal: AbortSignal },
): Promise<readonly Check[]> {
  const provider = await createProvider(config, { log, registry: new Registry() })
  try {
    const { provider: kms } = config
    const wrapped = kms.kind === 'vault' && kms.secretId.wrapped === true
    if (!wrapped) await logIn(provider, signal)
    return await provider.diagnose(signal)
  } finally {
    await provider.close()
  }
}

async function logIn(provider: Provider, signal: AbortSignal): Promise<void> {
  provider.start()
  const endMs = Date.now() + loginMsMax
  while (Date.now() < endMs && !settled(provider.session()) && !signal.aborted) {
    await new Promise((resolve) => setTimeout(resolve, pollMs))
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
