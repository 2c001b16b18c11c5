import { rmSync } from 'node:fs'
import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Registry } from 'prom-client'
import { connectKeyService, type KeyService } from '../control/client.ts'
import type { ControlAddress } from '../control/config.ts'
import { startControl } from '../control/index.ts'
import { ConfigError } from './config-error.ts'
import { parseControlParts } from './control-config.ts'
import { disabledKeysIn, hasStore } from './data-folder.ts'
import { type Environment, nameOf } from './environment.ts'
import { type ControlChoice, controlsOfGateways, findControl } from './find-control.ts'
import { parseGateway } from './gateway.ts'
import { parseKms } from './kms-config.ts'
import { createLog } from './log.ts'
import { storeName } from './running-record.ts'
import { makeSocketDirectory, socketIn } from './socket-directory.ts'
import type { StoreConfig } from './store-config.ts'
import { version } from './version.ts'

/** The store that a command works on, beside its server or without one, and the keys for it. */

export interface StoreChoice extends ControlChoice {
  /** The store behind a gateway; `true`: the one that the environment names. */
  readonly gateway?: string | true
}

/** How long a KMS may take until it can be asked. */
const readyWithinMs = 30_000
const pollMs = 100

/** Errors: ConfigError. */
export function parseStore(
  environment: Environment,
  directory: string | undefined,
  { gateway }: StoreChoice,
): StoreConfig {
  if ((directory === undefined) === (gateway === undefined)) {
    throw new ConfigError('name a data folder, or --gateway, and not both')
  }
  if (directory !== undefined) {
    const folder = resolve(directory)
    // Opening it would make one, and find that all of nothing is done.
    if (!hasStore(folder)) throw new ConfigError(`there is no store in ${folder}`)
    return { kind: 'disk', directory: folder, readMinio: environment.flag('readMinio') }
  }
  const { store } = parseGateway(environment, {}, gateway === true ? undefined : gateway)
  if (store.config.passThrough) throw new ConfigError('a gateway without a KMS has sealed nothing')
  return store
}

interface WantedControl {
  readonly store: StoreConfig
  readonly control: string | undefined
}

/** As {@link withKeysOrNone}; that there is no KMS is a ConfigError. */
export async function withKeys<T>(
  environment: Environment,
  wanted: WantedControl,
  use: (keys: KeyService) => Promise<T>,
): Promise<T> {
  const { store } = wanted
  return withKeysOrNone(environment, wanted, (keys) => {
    if (keys !== undefined) return use(keys)
    throw new ConfigError(
      `no server runs on ${store.kind === 'disk' ? store.directory : 'it'}: name its control service, or set ${nameOf('vaultEndpoint')} or ${nameOf('masterKey')}`,
    )
  })
}

/**
 * Uses the control service of the store's running server, or another that is named, or one of its own for the time, when it is ready;
 * undefined: no KMS is configured. Errors: ConfigError; the KMS cannot be asked.
 */
export async function withKeysOrNone<T>(
  environment: Environment,
  wanted: WantedControl,
  use: (keys: KeyService | undefined) => Promise<T>,
): Promise<T> {
  const { store } = wanted
  const known = await runningControl(environment, wanted)
  if (known.length > 0) return using(connectKeyService(known), use)
  const provider = parseKms(environment)
  if (provider === undefined) return use(undefined)
  const socketDirectory = makeSocketDirectory()
  const address = { kind: 'unix', path: socketIn(socketDirectory) } as const
  try {
    const own = await startControl(
      {
        address,
        provider,
        // What its server would not use is not used on its behalf.
        ...(store.kind === 'disk' && { disabledKeysFile: disabledKeysIn(store.directory) }),
        ...parseControlParts(environment),
      },
      { log: createLog('warn', 'control'), registry: new Registry(), version },
    )
    try {
      return await using(connectKeyService(address), use)
    } finally {
      await own.close()
    }
  } finally {
    rmSync(socketDirectory, { recursive: true, force: true })
  }
}

async function runningControl(
  environment: Environment,
  { store, control }: WantedControl,
): Promise<readonly ControlAddress[]> {
  if (control !== undefined || environment.given('control') !== undefined) {
    return findControl(environment, { ...(control !== undefined && { control }) })
  }
  if (store.kind === 'gateway') return controlsOfGateways(environment, storeName(store.config))
  try {
    return await findControl(environment, { directory: store.directory })
  } catch (error) {
    // No server runs there, which is no mistake here.
    if (error instanceof ConfigError) return []
    throw error
  }
}

async function using<T>(keys: KeyService, use: (keys: KeyService) => Promise<T>): Promise<T> {
  try {
    await untilReady(keys)
    return await use(keys)
  } finally {
    await keys.close()
  }
}

/** Errors: the KMS cannot be asked. */
async function untilReady(keys: KeyService): Promise<void> {
  const endMs = performance.now() + readyWithinMs
  for (;;) {
    const { ready, reason } = await keys.status()
    if (ready) return
    if (performance.now() > endMs) throw new Error(`the KMS is not ready: ${reason}`)
    await sleep(pollMs)
  }
}
