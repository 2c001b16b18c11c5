import { randomBytes } from 'node:crypto'
import { pino } from 'pino'
import { type Backend, BackendError } from '../../s3api/backends/backend.ts'
import type { GatewayConfig } from '../../s3api/backends/gateway/config.ts'
import { GatewayBackend } from '../../s3api/backends/gateway/gateway-backend.ts'
import { openGatewayBackend } from '../../s3api/backends/gateway/index.ts'
import { Sweeper } from '../../s3api/backends/gateway/sweeper.ts'
import { listSizeMax, SystemBucket } from '../../s3api/backends/gateway/system-records.ts'
import { UploadStore } from '../../s3api/backends/gateway/upload-store.ts'
import { Upstream, type UpstreamRequest } from '../../s3api/backends/gateway/upstream.ts'
import { toBackendError } from '../../s3api/backends/gateway/upstream-error.ts'
import { XmlList } from '../../s3api/backends/gateway/xml-list.ts'
import type { StoreLimits } from '../contracts/backend/limits.ts'
import type { BackendUnderTest } from '../contracts/backend.ts'
import type { RecordsUnderTest } from '../contracts/system-records.ts'
import { sealedBackend } from './sealed-backend.ts'
import { startUpstreamStore, type UpstreamStore } from './upstream-store.ts'

const log = pino({ level: 'silent' })

/** A store behind gateways. */
export interface GatewayStore {
  readonly config: GatewayConfig
  close(): Promise<void>
}

let shared: { readonly store: Promise<UpstreamStore>; users: number } | undefined
/** The shared store ends when nobody has used it for a while. */
const sharedIdleMs = 500

/** Before a Sealgate of this process, which tests share. */
export async function openOwnStore(): Promise<GatewayStore> {
  shared ??= { store: startUpstreamStore(), users: 0 }
  const mine = shared
  mine.users++
  const store = await mine.store
  return {
    config: store.config(),
    async close() {
      mine.users--
      setTimeout(() => {
        if (mine.users > 0 || shared !== mine) return
        shared = undefined
        void store.close()
      }, sharedIdleMs)
    },
  }
}

/** A gateway on the store for the backend contract, everything sealed; buckets of other names in the store are left alone. */
export async function openGatewayStore(
  openStore: () => Promise<GatewayStore>,
  openFirst?: (config: GatewayConfig) => Promise<Backend>,
  limits: StoreLimits = {},
): Promise<BackendUnderTest & { sweep(): Promise<void> }> {
  const store = await openStore()
  const id = `sgt${randomBytes(4).toString('hex')}`
  const prefix = `${id}-`
  const config = { ...store.config, systemBucket: `${id}.system` }
  const opened: Backend[] = []
  const open = async (first?: typeof openFirst) => {
    const inner = await (first?.(config) ?? openGatewayBackend(config, { log }))
    const backend = sealedBackend(inner, prefix)
    opened.push(backend)
    return backend
  }
  const closeAll = async () => {
    for (const backend of opened.splice(0)) await backend.close()
  }
  const backend = await open(openFirst)
  return {
    backend,
    limits,
    another: () => open(),
    async reopen() {
      await closeAll()
      return open()
    },
    sweep: () => sweep(config),
    // Traces of uploads that have ended are cleared away behind everybody's back: closing waits for it.
    async garbage() {
      const inner = await openGatewayBackend(config, { log })
      try {
        return await leftOver(inner, config, prefix)
      } finally {
        await inner.close()
      }
    },
    async close() {
      try {
        await closeAll()
        await endUploads(config, prefix)
        await removeBuckets(config, id)
      } finally {
        await store.close()
      }
    },
  }
}

async function sweep(config: GatewayConfig): Promise<void> {
  const upstream = new Upstream(config, { log, now: Date.now })
  const system = new SystemBucket(upstream, config.systemBucket)
  const store = new UploadStore(system, log)
  try {
    await new Sweeper({ upstream, system, store, log }).sweep()
  } finally {
    await upstream.close()
  }
}

async function endUploads(config: GatewayConfig, prefix: string): Promise<void> {
  const backend = await openGatewayBackend(config, { log })
  const query = { prefix: '', delimiter: '', keyMarker: '', uploadIdMarker: '', limit: 1000 }
  try {
    for (const { name } of await backend.listBuckets()) {
      if (!name.startsWith(prefix)) continue
      for (const entry of (await backend.listUploads(name, query)).entries) {
        if (entry.kind === 'upload') await backend.abortUpload(name, entry.upload.key, entry.upload.uploadId)
      }
    }
  } finally {
    await backend.close()
  }
}

/** Records of uploads in the system bucket that are not running. */
async function leftOver(backend: Backend, config: GatewayConfig, prefix: string): Promise<string[]> {
  let running = 0
  for (const { name } of await backend.listBuckets()) {
    if (!name.startsWith(prefix)) continue
    const query = { prefix: '', delimiter: '', keyMarker: '', uploadIdMarker: '', limit: 1000 }
    running += (await backend.listUploads(name, query)).entries.length
  }
  const upstream = new Upstream(config, { log, now: Date.now })
  const system = new SystemBucket(upstream, config.systemBucket)
  try {
    for (let attempt = 0; ; attempt++) {
      const { keys } = await system.list('uploads/', { after: '', limit: 1000 })
      const folders = new Set(keys.map((key) => key.split('/').slice(1, 3).join('/')))
      if (folders.size <= running || attempt === 50) return folders.size <= running ? [] : keys
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  } finally {
    await upstream.close()
  }
}

async function removeBuckets(config: GatewayConfig, id: string): Promise<void> {
  const upstream = new Upstream(config, { log, now: Date.now })
  try {
    const { bytes } = await upstream.fetch({ method: 'GET', repeatable: true }, 1024 * 1024)
    const names = new XmlList(bytes, 'ListAllMyBucketsResult')
      .entries('Buckets')
      .flatMap((buckets) => buckets.children('Bucket').map((bucket) => bucket.text('Name')))
    for (const bucket of names.filter((name) => name.startsWith(id))) {
      if (await removeVersions(upstream, bucket))
        await upstream.fetch({ method: 'DELETE', bucket, repeatable: true }, 65_536)
    }
  } finally {
    await upstream.close()
  }
}

/** Everything that keeps a bucket. False: something that is locked is left. */
async function removeVersions(upstream: Upstream, bucket: string): Promise<boolean> {
  const query = { versions: '', 'encoding-type': 'url' }
  let locked = false
  let before: Uint8Array = new Uint8Array(0)
  for (;;) {
    const { bytes } = await upstream.fetch({ method: 'GET', bucket, query, repeatable: true }, listSizeMax)
    if (Buffer.compare(bytes, before) === 0)
      throw new Error(`the store shows what it does not delete in ${bucket}`)
    before = bytes
    const list = new XmlList(bytes, 'ListVersionsResult')
    for (const entry of list.children(['Version', 'DeleteMarker'])) {
      await upstream
        .fetch(
          {
            method: 'DELETE',
            bucket,
            key: entry.key('Key'),
            query: { versionId: entry.text('VersionId') },
            headers: { 'x-amz-bypass-governance-retention': 'true' },
            repeatable: true,
          },
          65_536,
        )
        .catch((error: unknown) => {
          const known = toBackendError(error)
          if (!(known instanceof BackendError) || known.code !== 'locked') throw error
          locked = true
        })
    }
    // What was below an object's key comes to light when that is gone.
    const empty = list.children(['Version', 'DeleteMarker']).length === 0
    if (locked || empty) return !locked
  }
}

/** The system records of a new store, through two gateways. */
export async function openGatewayRecords(
  openStore: () => Promise<GatewayStore>,
  limits?: StoreLimits,
): Promise<RecordsUnderTest> {
  const under = await openGatewayStore(openStore)
  const other = await under.another()
  return {
    records: under.backend.system,
    others: other.system,
    ...(limits && { limits }),
    close: () => under.close(),
  }
}

/** A gateway whose n-th writing request fails: it is not sent, or its answer is lost. */
export function openFailingGateway(nth: number): Promise<BackendUnderTest & { failed(): boolean }> {
  let writes = 0
  class FailingUpstream extends Upstream {
    override async send(request: UpstreamRequest) {
      if (request.method === 'GET' || request.method === 'HEAD') return super.send(request)
      failIfDue('the store cannot be reached')
      const answer = await super.send(request)
      failIfDue('the answer is lost')
      return answer
    }
    override async begin(...args: Parameters<Upstream['begin']>) {
      const { signed, send } = await super.begin(...args)
      return {
        signed,
        send: async (body: AsyncIterable<Uint8Array>, signal: AbortSignal) => {
          failIfDue('the store cannot be reached')
          const answer = await send(body, signal)
          failIfDue('the answer is lost')
          return answer
        },
      }
    }
  }
  const failIfDue = (why: string) => {
    if (++writes === nth) throw new BackendError('unavailable', `injected: ${why}`)
  }
  return openGatewayStore(openOwnStore, async (config) => {
    const ready = await openGatewayBackend(config, { log })
    await ready.close()
    const upstream = new FailingUpstream(config, { log, now: Date.now })
    return new GatewayBackend(config, { upstream, log, now: Date.now })
  }).then((under) => ({
    ...under,
    // What a lost request has left behind is the sweeper's to find.
    async garbage() {
      await under.sweep()
      return under.garbage()
    },
    failed: () => writes >= nth,
  }))
}
