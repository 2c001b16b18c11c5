import { type AddressInfo, createServer } from 'node:net'
import type { Logger } from 'pino'
import type { FrontEndProcessConfig } from './front-end-process.ts'
import { JoinedMetrics } from './joined-metrics.ts'
import { frontEndEnvironment, frontEndNodeOptions } from './process-runtime.ts'
import type { RunningProcess } from './running-process.ts'
import { SupervisedChild } from './supervised-child.ts'

/** The front-ends of one server: processes that listen on one socket, each with its own engine. */
export class FrontEnds {
  readonly #config: FrontEndProcessConfig
  readonly #count: number
  readonly #stopMs: number
  readonly #log: Logger
  readonly #metrics = new JoinedMetrics()
  #children: readonly SupervisedChild[] = []
  #stopping = false
  #restarting: Promise<void> | undefined

  constructor(
    config: FrontEndProcessConfig,
    options: { readonly count: number; readonly stopMs: number; readonly log: Logger },
  ) {
    this.#config = config
    this.#count = options.count
    this.#stopMs = options.stopMs
    this.#log = options.log
  }

  /** Resolves when all listen. Errors: what one could not start for. */
  async start(): Promise<RunningProcess['facts']> {
    const config = await withPort(this.#config)
    this.#children = Array.from({ length: this.#count }, () => this.#create(config))
    const [first, ...others] = this.#children
    // The first alone: it makes the store.
    const facts = (await first?.start()) ?? {}
    if (!this.#stopping) await Promise.all(others.map((child) => child.start()))
    return facts
  }

  /** New processes in the place of the old, one at a time, without a connection refused. One round at once. */
  restart(): Promise<void> {
    this.#restarting ??= this.#restart().finally(() => {
      this.#restarting = undefined
    })
    return this.#restarting
  }

  /** Ready when one is: the others' reasons are told all the same. */
  async ready(): Promise<{ readonly ready: boolean; readonly reasons: readonly string[] }> {
    const reports = await this.#reports()
    const reasons = reports.flatMap((report) => (report instanceof Error ? [report.message] : report.reasons))
    return {
      ready: reports.some((report) => !(report instanceof Error) && report.ready),
      reasons: [...new Set(reasons)],
    }
  }

  /** All their metrics together, each summed or otherwise joined as it asks for. */
  async metrics(): Promise<string> {
    const asked = this.#children.map(({ pid }) => pid)
    const reports = await this.#reports()
    const told = new Map(
      reports.flatMap((report, index) => {
        const pid = asked[index]
        return report instanceof Error || pid === undefined ? [] : [[pid, report.metrics]]
      }),
    )
    return this.#metrics.join(told, new Set(this.#children.flatMap(({ pid }) => pid ?? [])))
  }

  async stop(): Promise<void> {
    this.#stopping = true
    await Promise.all(this.#children.map((child) => child.stop(this.#stopMs)))
  }

  kill(): void {
    this.#stopping = true
    for (const child of this.#children) child.kill()
  }

  async #restart(): Promise<void> {
    this.#log.info('restarting the front-ends')
    for (const child of this.#children) {
      if (this.#stopping) return
      try {
        await child.replace(this.#stopMs)
      } catch (error) {
        // The old one goes on; what keeps a new one from starting would keep the others as well.
        this.#log.error({ err: error }, 'a front-end cannot be started; the old ones stay')
        return
      }
    }
    this.#log.info('the front-ends were restarted')
  }

  #create(config: FrontEndProcessConfig): SupervisedChild {
    const log = this.#log
    return new SupervisedChild(
      { type: 'front-end', config },
      { log, env: frontEndEnvironment, nodeOptions: frontEndNodeOptions, sharesSocket: true },
    )
  }

  #reports() {
    return Promise.all(
      this.#children.map((child) =>
        child.report().catch((error: unknown) => (error instanceof Error ? error : new Error(String(error)))),
      ),
    )
  }
}

/** Port 0 lets the system choose: once, so that all front-ends, and those that are started again, listen on the same. */
async function withPort(config: FrontEndProcessConfig): Promise<FrontEndProcessConfig> {
  const { address } = config.frontEnd.config
  if (address.port !== 0) return config
  const probe = createServer()
  await new Promise<void>((resolve, reject) => {
    probe.once('error', reject)
    probe.listen(0, address.host, resolve)
  })
  // A server that listens on a port has an address of this form.
  const { port } = probe.address() as AddressInfo
  await new Promise((resolve) => probe.close(resolve))
  const chosen = { ...config.frontEnd.config, address: { ...address, port } }
  return { ...config, frontEnd: { ...config.frontEnd, config: chosen } }
}
