import { rmSync } from 'node:fs'
import type { Level, Logger } from 'pino'
import { Registry } from 'prom-client'
import type { ControlAddress, ControlConfig } from '../control/config.ts'
import type { HostPort } from './addresses.ts'
import { type AdminServer, startAdmin } from './admin.ts'
import { disabledKeysIn } from './data-folder.ts'
import type { FrontEndSettings } from './front-end-config.ts'
import { FrontEnds } from './front-ends.ts'
import { createLog } from './log.ts'
import { controlNodeOptions } from './process-runtime.ts'
import { readRunningRecords, storeName, writeRunningRecord } from './running-record.ts'
import { makeSocketDirectory, socketIn } from './socket-directory.ts'
import type { StoreConfig } from './store-config.ts'
import { SupervisedChild } from './supervised-child.ts'

/** The processes of one `sealgate server` or `sealgate gateway`. */
export interface SystemConfig {
  readonly store: StoreConfig
  readonly frontEnd: FrontEndSettings
  /** Front-ends on one socket. */
  readonly processes: number
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
  /** New front-ends in the place of the old ones, one at a time; requests go on meanwhile. */
  restart(): Promise<void>
  /** Ends the front-ends, then control, each in bounded time. */
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
  let controlChild: SupervisedChild | undefined
  let frontEnds: FrontEnds | undefined
  let admin: AdminServer | undefined
  const socketDirectory = control?.kind === 'private' ? makeSocketDirectory() : undefined
  const removeSocket = () => {
    if (socketDirectory !== undefined) rmSync(socketDirectory, { recursive: true, force: true })
  }
  let removeRecord = () => {}
  const stop = async () => {
    removeRecord()
    await frontEnds?.stop()
    await admin?.close()
    await controlChild?.stop(controlStopMs)
    removeSocket()
  }
  const stopStarting = () => void stop()
  stopped.addEventListener('abort', stopStarting)
  killed.addEventListener('abort', () => {
    removeRecord()
    frontEnds?.kill()
    controlChild?.kill()
    removeSocket()
  })
  try {
    let controlAddresses: readonly ControlAddress[] | undefined
    if (control?.kind === 'shared') controlAddresses = control.addresses
    if (control?.kind === 'private' && socketDirectory !== undefined) {
      const address = { kind: 'unix', path: socketIn(socketDirectory) } as const
      controlAddresses = [address]
      controlChild = new SupervisedChild(
        {
          type: 'control',
          config: {
            control: {
              address,
              ...(directory !== undefined && { disabledKeysFile: disabledKeysIn(directory) }),
              ...control.control,
            },
            ...(controlAdminAddress !== undefined && { adminAddress: controlAdminAddress }),
            logLevel,
            // Also when there is no supervisor any more to remove it.
            ownDirectory: socketDirectory,
          },
        },
        { log, nodeOptions: controlNodeOptions },
      )
      stopped.throwIfAborted()
      await controlChild.start()
      // What a killed one has left goes; otherwise nobody might come to take it away.
      await readRunningRecords(directory)
      // Before the front-end: while that has trouble to start, control is what an operator asks.
      removeRecord = recordRunning(log, directory, {
        control: `unix:${address.path}`,
        ...(store.kind === 'gateway' && { store: storeName(store.config) }),
      })
    }
    stopped.throwIfAborted()
    frontEnds = new FrontEnds(
      {
        frontEnd: config.frontEnd,
        store,
        ...(controlAddresses !== undefined && { control: controlAddresses }),
        logLevel,
      },
      { count: config.processes, stopMs: config.frontEnd.config.drainMs + frontEndStopMs, log },
    )
    const serving = frontEnds
    const { url = '' } = await serving.start()
    stopped.throwIfAborted()
    if (adminAddress !== undefined) {
      admin = await startAdmin(adminAddress, {
        registry: { contentType: Registry.PROMETHEUS_CONTENT_TYPE, metrics: () => serving.metrics() },
        ready: () => serving.ready(),
        log,
      })
    }
    log.info({ url, admin: admin?.url }, 'the front-end is listening')
    return { url, admin: admin?.url, restart: () => serving.restart(), stop }
  } catch (error) {
    await stop()
    throw error
  } finally {
    stopped.removeEventListener('abort', stopStarting)
  }
}

/** A disk that takes no record does not keep a server from reading, nor from what makes room on it. */
function recordRunning(
  ...[log, directory, record]: [Logger, ...Parameters<typeof writeRunningRecord>]
): () => void {
  try {
    return writeRunningRecord(directory, record)
  } catch (error) {
    const { control } = record
    log.warn(
      { err: error, control },
      "operators' commands have to name control: its record cannot be written",
    )
    return () => {}
  }
}
