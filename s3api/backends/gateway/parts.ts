import type { Logger } from 'pino'
import { Attributes } from './attributes.ts'
import { Buckets } from './buckets.ts'
import type { GatewayConfig } from './config.ts'
import { type CopyLimits, ObjectCopier } from './copying.ts'
import { ListedCache } from './listed-cache.ts'
import { Listing } from './listing.ts'
import { Lookup } from './lookup.ts'
import { MinioStore } from './minio-store.ts'
import { PartSender } from './part-sender.ts'
import { ObjectRemover } from './removing.ts'
import { StoreAcls } from './store-acls.ts'
import { Sweeper } from './sweeper.ts'
import { SystemBucket } from './system-records.ts'
import { UploadStore } from './upload-store.ts'
import { Uploads } from './uploads.ts'
import type { Upstream } from './upstream.ts'
import { ObjectWriter } from './writing.ts'

/** Generations of objects that listings remember: some 300 bytes each. */
const listedMax = 50_000

/** What a gateway is put together of: each does one thing with the store. */
export type GatewayParts = ReturnType<typeof createParts>

export interface GatewayPartsOptions {
  readonly upstream: Upstream
  readonly log: Logger
  readonly now: () => number
  /** Of the store. Absent: those of S3. */
  readonly copyLimits?: CopyLimits | undefined
}

export function createParts(config: GatewayConfig, { upstream, log, now, copyLimits }: GatewayPartsOptions) {
  const { double } = config
  const system = new SystemBucket(upstream, config.systemBucket, { optional: config.passThrough })
  const uploadStore = new UploadStore(system, log)
  const buckets = new Buckets(upstream, system, { region: config.region, now })
  const lookup = new Lookup(upstream, config)
  const acls = new StoreAcls(upstream, (bucket) => buckets.get(bucket))
  const writer = new ObjectWriter({ upstream, double, lookup, acls })
  const minio = config.readMinio ? new MinioStore(upstream, lookup) : undefined
  const listed = new ListedCache(listedMax)
  const sender = new PartSender({ upstream, double, system, store: uploadStore })
  return {
    upstream,
    system,
    buckets,
    lookup,
    minio,
    listed,
    writer,
    sender,
    uploadStore,
    copier: new ObjectCopier({ upstream, double, acls, writer, limits: copyLimits }),
    remover: new ObjectRemover(upstream, lookup),
    attributes: new Attributes(upstream, acls),
    uploads: new Uploads({ upstream, double, store: uploadStore, acls, sender, writer }),
    sweeper: new Sweeper({ upstream, system, store: uploadStore, log }),
    listing: new Listing({ upstream, lookup, cache: listed, uploads: uploadStore, minio, log }),
  }
}
