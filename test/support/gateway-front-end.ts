import { Writable } from 'node:stream'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import type { KeyService } from '../../control/client.ts'
import type { Backend } from '../../s3api/backends/backend.ts'
import type { CopyLimits } from '../../s3api/backends/gateway/copying.ts'
import type { GatewayConfig } from '../../s3api/backends/gateway/index.ts'
import {
  createCryptoPool,
  type FrontEndConfig,
  openDiskBackend,
  openGateway,
  startFrontEnd,
} from '../../s3api/index.ts'
import type { Operation } from '../../s3api/operation.ts'
import { startTestControl } from './control.ts'
import { frontEndConfig, gatewayConfig } from './front-end-config.ts'
import { withKept } from './kept.ts'
import { makeScratch } from './scratch.ts'
import { type StoreRelay, startStoreRelay } from './store-relay.ts'

/** A line of a front-end's log, of one request. */
export interface LoggedRequest {
  readonly operation: string
  readonly bucket?: string
  readonly key?: string
  readonly code: string
  readonly status: number
  readonly sent: number
  readonly requestId: string
  /** Of a gateway. */
  readonly storeRequestIds?: readonly string[]
}

export interface ServedFrontEnd {
  readonly url: string
  readonly client: S3Client
  /** What it has served so far; empties itself when read. */
  served(): Promise<LoggedRequest[]>
  ready(): Promise<{ readonly ready: boolean; readonly reasons: readonly string[] }>
  close(): Promise<void>
}

/** Of clients and stores alike. */
export const credential = { accessKey: 'some-access-key', secretKey: 'some-secret-key' }

/** A server on disk for gateways to stand before. */
export async function serveStore(
  keys?: KeyService,
  config: Partial<FrontEndConfig> = {},
): Promise<ServedFrontEnd> {
  const scratch = makeScratch('store')
  const backend = await openDiskBackend({ directory: scratch.path, log: pino({ level: 'silent' }) })
  return serve({ backend }, keys, config, () => scratch.remove())
}

/** A server on a folder with objects of MinIO's. */
export async function serveMinioFolder(
  directory: string,
  keys?: KeyService,
  config: Partial<FrontEndConfig> = {},
): Promise<ServedFrontEnd> {
  const log = pino({ level: 'silent' })
  return serve(
    { backend: await openDiskBackend({ directory, log, readMinio: true }) },
    keys,
    config,
    () => {},
  )
}

/** A gateway before a server. Without keys everything goes through. */
export async function serveGateway(
  storeUrl: string,
  options: {
    readonly keys?: KeyService
    readonly config?: Partial<GatewayConfig>
    readonly frontEnd?: Partial<FrontEndConfig>
    readonly copyLimits?: CopyLimits
    readonly logLevel?: 'info' | 'debug'
  },
): Promise<ServedFrontEnd> {
  const { keys, config, frontEnd, copyLimits, logLevel } = options
  const gateway = await openGateway(
    gatewayConfig(storeUrl, credential, { passThrough: keys === undefined, ...config }),
    { log: pino({ level: 'silent' }), ...(copyLimits !== undefined && { copyLimits }) },
  )
  return serve(gateway, keys, { ...frontEnd, ...(logLevel && { logLevel }) }, () => {})
}

async function serve(
  { backend, operations }: { readonly backend: Backend; readonly operations?: readonly Operation[] },
  keys: KeyService | undefined,
  { logLevel = 'info', ...config }: Partial<FrontEndConfig> & { readonly logLevel?: 'info' | 'debug' },
  closed: () => void,
): Promise<ServedFrontEnd> {
  let lines: LoggedRequest[] = []
  const destination = new Writable({
    write(chunk, _encoding, done) {
      const line: unknown = JSON.parse(String(chunk))
      // Only a request's line has an operation.
      if (typeof line === 'object' && line !== null && 'operation' in line) lines.push(line as LoggedRequest)
      done()
    },
  })
  const log = pino({ level: logLevel }, destination)
  const pool = createCryptoPool({ threads: 1 })
  const frontEnd = await startFrontEnd(frontEndConfig(credential, config), {
    backend,
    pool,
    ...(keys !== undefined && { keys }),
    log,
    registry: new Registry(),
    ...(operations !== undefined && { operations }),
  })
  const client = new S3Client({
    endpoint: frontEnd.url,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId: credential.accessKey, secretAccessKey: credential.secretKey },
    maxAttempts: 1,
  })
  return {
    url: frontEnd.url,
    client,
    async served() {
      // A request's line is written after its answer: some turns of the loop later, however busy the machine is.
      for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setTimeout(resolve, 5))
      const seen = lines
      lines = []
      return seen
    },
    ready: () => frontEnd.ready(),
    async close() {
      client.destroy()
      await frontEnd.close()
      await backend.close()
      await pool.close()
      closed()
    },
  }
}

/** A gateway that encrypts, before a store, and a bucket of it. */
export async function withGateway(
  Bucket: string,
  work: (sites: { readonly store: ServedFrontEnd; readonly gateway: ServedFrontEnd }) => Promise<void>,
): Promise<void> {
  await withKept(async (keep) => {
    const { keys } = keep(await startTestControl())
    const store = keep(await serveStore())
    const gateway = keep(await serveGateway(store.url, { keys }))
    await gateway.client.send(new CreateBucketCommand({ Bucket }))
    await work({ store, gateway })
  })
}

/** Two gateways that encrypt, before one store, which the first reaches through a relay; and a bucket. */
export interface RelayedSites {
  readonly store: ServedFrontEnd
  readonly relay: StoreRelay
  /** Before the relay. */
  readonly gateway: ServedFrontEnd
  readonly other: ServedFrontEnd
}

export function withRelay(Bucket: string, work: (sites: RelayedSites) => Promise<void>): Promise<void> {
  return withKept(async (keep) => {
    const { keys } = keep(await startTestControl())
    const store = keep(await serveStore())
    const relay = keep(await startStoreRelay(store.url))
    const gateway = keep(await serveGateway(relay.url, { keys }))
    const other = keep(await serveGateway(store.url, { keys }))
    await other.client.send(new CreateBucketCommand({ Bucket }))
    await work({ store, relay, gateway, other })
  })
}
