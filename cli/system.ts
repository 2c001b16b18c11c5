import { rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Level } from 'pino'
import type { ControlAddress, ControlConfig } from '../control/config.ts'
import type { HostPort } from './addresses.ts'
import { allocatorVariables } from './allocator.ts'
import type { FrontEndSettings } from './front-end-config.ts'
import { createLog } from './log.ts'
import type { RunningProcess } from './running-process.ts'
import { writeRunningRecord } from './running-record.ts'
import { makeSocketDirectory, socketIn } from './socket-directory.ts'
import type { StoreConfig } from './store-config.ts'
import { type StartOfChild, SupervisedChild } from './supervised-child.ts'

/** The processes of one `sealgate server` or `sealgate gateway`. */
export interface SystemConfig {
  readonly store: StoreConfig
  readonly frontEnd: FrontEndSettings
  /** `private`: a control service of our own; `shared`: one that runs already; absent: no KMS. */
  readonly control?:
    | { readonly kind: 'private'; readonly control: Omit<ControlConfig, 'address'> }
    | { readonly kind: 'shared'; readonly addresses: readonly ControlAddress[] }
  readonly adminAddress?: HostPort
  readonly controlAdminAddress?: HostPort
  readonly logLevel: Level
}

export interface System {
  readonly url: string
  readonly admin: string | undefined
  /** Ends the front-end, then control, each in bounded time. */
  stop(): Promise<void>
}

/** What ends a system while it starts, and at any time. */
export interface Endings {
  /** In order. */
  readonly stopped: AbortSignal
  /** At once. */
  readonly killed: AbortSignal
}

/** On top of the drain. */
const frontEndStopMs = 400
/** With its front-end gone, it has nothing to wait for. */
const controlStopMs = 1_500

/**
 * Resolves when it serves. Errors: ConfigError for a temporary directory that cannot hold
 * a socket; what a process could not start for. Nothing is left running then.
 */
export async function startSystem(config: SystemConfig, { stopped, killed }: Endings): Promise<System> {
  const log = createLog(config.logLevel, 'supervisor')
  const { control, logLevel, adminAddress, controlAdminAddress, store } = config
  const directory = store.kind === 'disk' ? store.directory : undefined
  const children: { readonly child: SupervisedChild; readonly stopMs: number }[] = []
  const socketDirectory = control?.kind === 'private' ? makeSocketDirectory() : undefined
  const removeSocket = () => {
    if (socketDirectory !== undefined) rmSync(socketDirectory, { recursive: true, force: true })
  }
  let removeRecord = () => {}
  const stop = async () => {
    removeRecord()
    for (const { child, stopMs } of children.toReversed()) await child.stop(stopMs)
    removeSocket()
  }
  const stopStarting = () => void stop()
  stopped.addEventListener('abort', stopStarting)
  killed.addEventListener('abort', () => {
    removeRecord()
    for (const { child } of children) child.kill()
    removeSocket()
  })
  const start = async (child: SupervisedChild, stopMs: number) => {
    stopped.throwIfAborted()
    children.push({ child, stopMs })
    return child.start()
  }
  try {
    let controlAddresses: readonly ControlAddress[] | undefined
    if (control?.kind === 'shared') controlAddresses = control.addresses
    if (control?.kind === 'private' && socketDirectory !== undefined) {
      const address = { kind: 'unix', path: socketIn(socketDirectory) } as const
      controlAddresses = [address]
      const child = new SupervisedChild(
        {
          type: 'control',
          config: {
            control: {
              address,
              ...(directory !== undefined && {
                disabledKeysFile: join(directory, '.sealgate', 'disabled-keys.json'),
              }),
              ...control.control,
            },
            ...(controlAdminAddress !== undefined && { adminAddress: controlAdminAddress }),
            logLevel,
            // Also when there is no supervisor any more to remove it.
            ownDirectory: socketDirectory,
          },
        },
        { log },
      )
      await start(child, controlStopMs)
      // Before the front-end: while that has trouble to start, control is what an operator asks.
      removeRecord = writeRunningRecord(directory, { control: `unix:${address.path}` })
    }
    const child = new SupervisedChild(
      {
        type: 'front-end',
        config: {
          frontEnd: config.frontEnd,
          store,
          ...(controlAddresses !== undefined && { control: controlAddresses }),
          ...(adminAddress !== undefined && { adminAddress }),
          logLevel,
        },
      },
      { log, env: allocatorVariables, pin: pinFrontEnd },
    )
    const { url = '', admin } = await start(child, config.frontEnd.config.drainMs + frontEndStopMs)
    return { url, admin, stop }
  } catch (error) {
    await stop()
    throw error
  } finally {
    stopped.removeEventListener('abort', stopStarting)
  }
}

/** A front-end that is started again listens where it did, also where the first start chose the ports. */
function pinFrontEnd(start: StartOfChild, facts: RunningProcess['facts']): StartOfChild {
  if (start.type !== 'front-end') return start
  const { adminAddress, frontEnd } = start.config
  const { config } = frontEnd
  return {
    ...start,
    config: {
      ...start.config,
      frontEnd: { ...frontEnd, config: { ...config, address: withPort(config.address, facts.url) } },
      ...(adminAddress !== undefined && { adminAddress: withPort(adminAddress, facts.admin) }),
    },
  }
}

function withPort(address: HostPort, url: string | undefined): HostPort {
  return url === undefined ? address : { ...address, port: Number(new URL(url).port) || address.port }
}
