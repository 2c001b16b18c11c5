import { rmSync } from 'node:fs'
import type { Level } from 'pino'
import { collectDefaultMetrics, Registry } from 'prom-client'
import type { ControlConfig } from '../control/config.ts'
import { startControl } from '../control/index.ts'
import type { HostPort } from './addresses.ts'
import { startAdmin } from './admin.ts'
import { createLog } from './log.ts'
import type { RunningProcess } from './running-process.ts'
import { version } from './version.ts'

/** What a control process is started with. */
export interface ControlProcessConfig {
  readonly control: ControlConfig
  readonly adminAddress?: HostPort
  readonly logLevel: Level
  /** Made for this process alone, removed when it ends. */
  readonly ownDirectory?: string
}

/** Errors: those of listening. */
export async function runControl(config: ControlProcessConfig): Promise<RunningProcess> {
  const log = createLog(config.logLevel, 'control')
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const control = await startControl(config.control, { log, registry, version })
  const ready = async () => {
    const { ready, reason } = control.ready()
    return { ready, reasons: ready ? [] : [reason] }
  }
  const admin =
    config.adminAddress === undefined
      ? undefined
      : await startAdmin(config.adminAddress, { registry, ready, log }).catch(async (error: unknown) => {
          await control.close()
          throw error
        })
  if (admin !== undefined) log.info({ admin: admin.url }, 'the admin port is open')
  return {
    facts: { address: control.address, ...(admin !== undefined && { admin: admin.url }) },
    async close() {
      await control.close()
      await admin?.close()
      if (config.ownDirectory !== undefined) rmSync(config.ownDirectory, { recursive: true, force: true })
    },
  }
}
