import { join } from 'node:path'
import { ChannelCredentials } from '@grpc/grpc-js'
import { type Logger, pino } from 'pino'
import { Registry } from 'prom-client'
import { type Clock, connectKeyService, type KeyService } from '../../control/client.ts'
import type { ControlConfig } from '../../control/config.ts'
import { startControl } from '../../control/index.ts'
import { proto } from '../../control/proto.ts'
import type { Provider } from '../../control/providers/provider.ts'
import { defaultKeyLimits, type KeyLimits } from '../../control/settings.ts'
import type { Backend } from '../../s3api/backends/backend.ts'
import { openDiskBackend } from '../../s3api/backends/disk/index.ts'
import { createCryptoPool, startFrontEnd } from '../../s3api/index.ts'
import { testMasterKey } from './control.ts'
import { withDirectory } from './files.ts'
import { rootSigner } from './front-end.ts'
import { frontEndConfig } from './front-end-config.ts'
import { type Response, type SentRequest, sendSigned } from './signed-request.ts'

/** Control services and front-ends of one store, each to be started and ended at will; all end with the test. */
export interface KeySystem {
  readonly directory: string
  startControl(options?: ControlOptions): Promise<RunningControl>
  /** Errors: those of startFrontEnd. */
  startFrontEnd(options?: FrontEndOptions): Promise<RunningFrontEnd>
}

export interface ControlOptions {
  /** Tells several of one system apart. */
  readonly name?: string
  readonly provider?: Provider
  readonly config?: ControlConfig['provider']
  readonly oldKeys?: ControlConfig['oldKeys']
  readonly limits?: Partial<KeyLimits>
  readonly disabledKeysFile?: string
  readonly clock?: Clock
}

export interface RunningControl {
  /** gRPC calls that it has answered, by method; Status is left out. */
  calls(): Promise<Readonly<Record<string, number>>>
  /** Of its metrics, by the first words of their lines. */
  metric(line: string): Promise<number>
  /** A client of it, open until it stops. */
  readonly keys: KeyService
  disable(keyId: string): Promise<void>
  enable(keyId: string): Promise<void>
  flush(): Promise<number>
  stop(): Promise<void>
}

export interface FrontEndOptions {
  /** Of the control that it uses; `none` for no KMS. */
  readonly control?: string | 'none'
  readonly clock?: Clock
  readonly requestsMax?: number
  readonly log?: Logger
}

export interface RunningFrontEnd {
  readonly backend: Backend
  send(request: SentRequest): Promise<Response>
  put(target: string, headers?: Readonly<Record<string, string>>): Promise<Response>
  get(target: string): Promise<Response>
  ready(): Promise<{ readonly ready: boolean; readonly reasons: readonly string[] }>
  metric(line: string): Promise<number>
  stop(): Promise<void>
}

export const sseS3 = { 'x-amz-server-side-encryption': 'AES256' }
/** What {@link RunningFrontEnd.put} puts. */
export const objectText = 'an object of some words'

const silent = pino({ level: 'silent' })

export async function withKeySystem(work: (system: KeySystem) => Promise<void>): Promise<void> {
  await withDirectory(async (directory) => {
    const running: { stop(): Promise<void> }[] = []
    const keep = <Part extends { stop(): Promise<void> }>(part: Part): Part => {
      running.push(part)
      return part
    }
    try {
      await work({
        directory,
        startControl: async (options = {}) => keep(await start(directory, options)),
        startFrontEnd: async (options = {}) => keep(await open(directory, options)),
      })
    } finally {
      for (const part of running.reverse()) await part.stop()
    }
  })
}

async function start(directory: string, options: ControlOptions): Promise<RunningControl> {
  const { name = 'control', provider, limits, clock, disabledKeysFile, oldKeys = [] } = options
  const address = { kind: 'unix', path: join(directory, `${name}.sock`) } as const
  const registry = new Registry()
  const control = await startControl(
    {
      address,
      provider: options.config ?? testMasterKey,
      oldKeys,
      keyLimits: { ...defaultKeyLimits, ...limits },
      ...(disabledKeysFile !== undefined && { disabledKeysFile }),
    },
    {
      log: silent,
      registry,
      version: '0.0.0-test',
      ...(provider !== undefined && { provider }),
      ...(clock !== undefined && { clock }),
    },
  )
  const admin = new proto.sealgate.kms.v1.Admin(`unix:${address.path}`, ChannelCredentials.createInsecure())
  const keys = connectKeyService(address)
  const ask = <Result>(call: (done: (error: Error | null, result?: Result) => void) => unknown) =>
    new Promise<Result>((resolve, reject) => {
      call((error, result) => (result === undefined ? reject(error) : resolve(result)))
    })
  return {
    keys,
    async calls() {
      const metric = await registry.getSingleMetric('sealgate_kms_requests_total')?.get()
      const counts: Record<string, number> = {}
      for (const { labels, value } of metric?.values ?? []) {
        const operation = String(labels.operation)
        // What an admin port and the clock ask for.
        if (operation !== 'Status' && operation !== 'ReportUses')
          counts[operation] = (counts[operation] ?? 0) + value
      }
      return counts
    },
    metric: (line) => metricOf(registry, line),
    disable: async (keyId) => void (await ask((done) => admin.disableKey({ keyId }, done))),
    enable: async (keyId) => void (await ask((done) => admin.enableKey({ keyId }, done))),
    flush: async () => (await ask<{ keys: number }>((done) => admin.flushCache({}, done))).keys,
    async stop() {
      admin.close()
      await keys.close()
      await control.close()
    },
  }
}

async function open(
  directory: string,
  { control = 'control', clock, requestsMax = 2_000, log = silent }: FrontEndOptions,
): Promise<RunningFrontEnd> {
  const registry = new Registry()
  const pool = createCryptoPool({ threads: 1 })
  const backend = await openDiskBackend({ directory: join(directory, 'store'), log })
  const path = join(directory, `${control}.sock`)
  const keys =
    control === 'none' ? undefined : connectKeyService({ kind: 'unix', path }, { deadlineMs: 2_000 })
  const closeParts = async () => {
    await keys?.close()
    await pool.close()
    await backend.close()
  }
  const frontEnd = await startFrontEnd(frontEndConfig(rootSigner, { requestsMax, drainMs: 1_000 }), {
    backend,
    pool,
    log,
    registry,
    ...(keys !== undefined && { keys }),
    ...(clock !== undefined && { clock }),
  }).catch(async (error: unknown) => {
    await closeParts()
    throw error
  })
  const send = (request: SentRequest) => sendSigned(frontEnd.url, request, rootSigner)
  let stopped: Promise<void> | undefined
  return {
    backend,
    send,
    put: (target, headers = sseS3) => send({ method: 'PUT', target, headers, body: objectText }),
    get: (target) => send({ method: 'GET', target }),
    ready: () => frontEnd.ready(),
    metric: (line) => metricOf(registry, line),
    stop() {
      stopped ??= frontEnd.close().then(closeParts)
      return stopped
    },
  }
}

async function metricOf(registry: Registry, line: string): Promise<number> {
  const text = await registry.metrics()
  const found = text.split('\n').find((each) => each.startsWith(line))
  return found === undefined ? 0 : Number(found.slice(found.lastIndexOf(' ') + 1))
}
