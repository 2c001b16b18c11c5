import { setTimeout as sleep } from 'node:timers/promises'
import { pino } from 'pino'
import type { VaultConfig } from '../../../control/config.ts'
import type { Provider } from '../../../control/providers/provider.ts'
import { createVaultProvider } from '../../../control/providers/vault/vault.ts'
import { type Clock, systemClock } from '../../../control/session/session-clock.ts'
import { type SimulatorOptions, startVaultSimulator, type VaultSimulator } from '../vault-simulator.ts'
import type { SeedCredentials, SeedOptions } from './seed.ts'

export interface FixtureOptions {
  readonly simulator?: SimulatorOptions
  readonly seed?: SeedOptions
  readonly namespace?: string
  /** Beside what the quickstart's steps gave. */
  readonly config?: Partial<VaultConfig>
  readonly clock?: Clock
  readonly deadlineMs?: number
}

export interface Fixture {
  readonly vault: VaultSimulator
  /** Not started. */
  readonly provider: Provider
  readonly credentials: SeedCredentials
  /** What pino wrote, at its lowest level. */
  readonly logged: () => string
}

/** Waits for the first time are as short as they can be. */
const eagerClock: Clock = { ...systemClock, random: () => 0 }
const waitMsMax = 8_000

/** A simulated Vault on which the quickstart's steps were done, and a provider for it; both closed in the end. */
export async function withVault(
  options: FixtureOptions,
  check: (fixture: Fixture) => Promise<void>,
): Promise<void> {
  const vault = await startVaultSimulator(options.simulator)
  try {
    const { namespace } = options
    if (namespace !== undefined) await vault.admin()('PUT', `sys/namespaces/${namespace}`)
    const credentials = await vault.setUpSeed(options.seed, namespace)
    const config = toConfig(vault.endpoint, credentials, {
      ...options.config,
      ...(namespace ? { namespace } : {}),
    })
    await withProvider(config, options, (provider, logged) => check({ vault, provider, credentials, logged }))
  } finally {
    await vault.close()
  }
}

/** A provider alone, closed in the end. */
export async function withProvider(
  config: VaultConfig,
  { clock = eagerClock, deadlineMs }: Pick<FixtureOptions, 'clock' | 'deadlineMs'>,
  check: (provider: Provider, logged: () => string) => Promise<void>,
): Promise<void> {
  const lines: string[] = []
  const log = pino({ level: 'trace' }, { write: (line: string) => lines.push(line) })
  const deadline = deadlineMs === undefined ? {} : { deadlineMs }
  const provider = createVaultProvider(config, { log, clock, ...deadline })
  try {
    await check(provider, () => lines.join(''))
  } finally {
    await provider.close()
  }
}

export function toConfig(
  endpoint: string,
  { keyName, roleId, secretId }: SeedCredentials,
  more: Partial<VaultConfig> = {},
): VaultConfig {
  const secret = { kind: 'value', value: new TextEncoder().encode(secretId) } as const
  const mounts = { transitMount: 'transit', appRoleMount: 'approle' }
  return { kind: 'vault', endpoint, roleId, secretId: secret, keyName, keyVersion: 0, ...mounts, ...more }
}

export async function startReady(provider: Provider): Promise<void> {
  provider.start()
  await until(() => provider.session().ready)
}

export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const endMs = Date.now() + waitMsMax
  while (!(await condition())) {
    if (Date.now() > endMs) throw new Error(`not so after ${waitMsMax} ms: ${condition}`)
    await sleep(5)
  }
}

/** Simulator and session on the same clock, which runs faster by this factor. */
export function fastTime(factor: number): Pick<FixtureOptions, 'simulator' | 'clock'> {
  return { simulator: { now: () => performance.now() * factor }, clock: fastClock(factor) }
}

/** Time that runs faster by this factor, for pauses that are too long for a test. */
export function fastClock(factor: number): Clock {
  return {
    wallMs: () => Date.now(),
    steadyMs: () => performance.now() * factor,
    random: () => 0,
    after: (delayMs, call) => systemClock.after(delayMs / factor, call),
  }
}
