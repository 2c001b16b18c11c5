import type { Level } from 'pino'
import { collectDefaultMetrics, Registry } from 'prom-client'
import { connectKeyService } from '../control/client.ts'
import type { ControlAddress } from '../control/config.ts'
import { createCryptoPool, startFrontEnd } from '../s3api/index.ts'
import type { FrontEndSettings } from './front-end-config.ts'
import { explainListening } from './listen-error.ts'
import { createLog } from './log.ts'
import { connectionsWithin, openFilesMax } from './open-files.ts'
import type { RunningProcess } from './running-process.ts'
import { openStore, type StoreConfig } from './store-config.ts'

/** What a front-end process is started with. */
export interface FrontEndProcessConfig {
  readonly frontEnd: FrontEndSettings
  readonly store: StoreConfig
  /** The instances of the key service; absent: no KMS. */
  readonly control?: readonly ControlAddress[]
  readonly logLevel: Level
}

/** `stopped` ends it while it starts. Errors: those of listening, of the store, of certificates; the signal's reason. */
export async function runFrontEnd(
  config: FrontEndProcessConfig,
  stopped: AbortSignal,
): Promise<RunningProcess> {
  const { threads, fsync } = config.frontEnd
  const log = createLog(config.logLevel, 'front-end')
  const { connectionsMax } = config.frontEnd.config
  const frontEndConfig = {
    ...config.frontEnd.config,
    ...(connectionsMax !== undefined && {
      connectionsMax: connectionsWithin(connectionsMax, openFilesMax(), log),
    }),
  }
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const opened: { close(): Promise<void> }[] = []
  const closeAll = async () => {
    for (const part of opened.splice(0).reverse()) await part.close()
  }
  const keep = <Part extends { close(): Promise<void> }>(part: Part): Part => {
    opened.push(part)
    return part
  }
  // Whoever waits for one of the parts then waits no longer.
  const stopStarting = () => void closeAll()
  stopped.addEventListener('abort', stopStarting)
  try {
    const { backend, operations } = await openStore(config.store, { log, registry, fsync, stopped })
    keep(backend)
    stopped.throwIfAborted()
    const pool = keep(createCryptoPool({ threads }))
    const keys = config.control && keep(connectKeyService(config.control, { log }))
    const frontEnd = keep(
      await startFrontEnd(frontEndConfig, {
        backend,
        pool,
        ...(keys !== undefined && { keys }),
        log,
        registry,
        ...(operations !== undefined && { operations }),
      }).catch(explainListening('the front-end', frontEndConfig.address)),
    )
    stopped.throwIfAborted()
    log.debug({ url: frontEnd.url }, 'a process of the front-end is listening')
    return {
      facts: { url: frontEnd.url },
      report: async () => ({ ...(await frontEnd.ready()), metrics: await registry.getMetricsAsJSON() }),
      close: closeAll,
    }
  } catch (error) {
    await closeAll()
    throw error
  } finally {
    stopped.removeEventListener('abort', stopStarting)
  }
}
