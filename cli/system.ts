import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Level } from 'pino'
import type { ControlAddress, ControlConfig } from '../control/config.ts'
import type { HostPort } from './addresses.ts'
import { allocatorVariables } from './allocator.ts'
import type { FrontEndSettings } from './front-end-config.ts'
import { createLog } from './log.ts'
import { writeRunningRecord } from './running-record.ts'
import { SupervisedChild } from './supervised-child.ts'

/** The processes of one `sealgate server`. */
export interface SystemConfig {
  readonly directory: string
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
  /** Ends everything at once. */
  kill(): void
}

/** On top of the drain. */
const frontEndStopMs = 1_000
const controlStopMs = 3_000

/** Resolves when it serves. Errors: what a process could not start for; nothing is left running then. */
export async function startSystem(config: SystemConfig): Promise<System> {
  const log = createLog(config.logLevel, 'supervisor')
  const { control, logLevel, adminAddress, controlAdminAddress } = config
  const children: { readonly child: SupervisedChild; readonly stopMs: number }[] = []
  const socketDirectory = control?.kind === 'private' ? mkdtempSync(join(tmpdir(), 'sealgate-')) : undefined
  const removeSocket = () => {
    if (socketDirectory !== undefined) rmSync(socketDirectory, { recursive: true, force: true })
  }
  let removeRecord = () => {}
  const stop = async () => {
    removeRecord()
    for (const { child, stopMs } of children.toReversed()) await child.stop(stopMs)
    removeSocket()
  }
  try {
    let controlAddresses: readonly ControlAddress[] | undefined
    if (control?.kind === 'shared') controlAddresses = control.addresses
    if (control?.kind === 'private' && socketDirectory !== undefined) {
      const address = { kind: 'unix', path: join(socketDirectory, 'control.sock') } as const
      controlAddresses = [address]
      const child = new SupervisedChild(
        {
          type: 'control',
          config: {
            control: {
              address,
              disabledKeysFile: join(config.directory, '.sealgate', 'disabled-keys.json'),
              ...control.control,
            },
            ...(controlAdminAddress !== undefined && { adminAddress: controlAdminAddress }),
            logLevel,
          },
        },
        { log },
      )
      children.push({ child, stopMs: controlStopMs })
      await child.start()
      // Before the front-end: while that has trouble to start, control is what an operator asks.
      removeRecord = writeRunningRecord(config.directory, { control: `unix:${address.path}` })
    }
    const child = new SupervisedChild(
      {
        type: 'front-end',
        config: {
          frontEnd: config.frontEnd,
          directory: config.directory,
          ...(controlAddresses !== undefined && { control: controlAddresses }),
          ...(adminAddress !== undefined && { adminAddress }),
          logLevel,
        },
      },
      { log, env: allocatorVariables },
    )
    children.push({ child, stopMs: config.frontEnd.config.drainMs + frontEndStopMs })
    const { url = '', admin } = await child.start()
    return {
      url,
      admin,
      stop,
      kill() {
        removeRecord()
        for (const entry of children) entry.child.kill()
        removeSocket()
      },
    }
  } catch (error) {
    await stop()
    throw error
  }
}
