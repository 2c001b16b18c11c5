import { pino } from 'pino'
import type { Backend } from '../../s3api/backends/backend.ts'
import { openDiskBackend } from '../../s3api/backends/disk/index.ts'
import type { Figure } from '../figure.ts'
import type { Settings } from '../settings.ts'
import type { LoadRequest } from '../support/load-job.ts'
import { presign } from '../support/presign.ts'
import { load } from '../support/processes.ts'
import { inRounds, median, ratioOf } from '../support/rounds.ts'
import type { RunningSealgate } from '../support/sealgate.ts'

/** Listing 1,000 keys of a bucket: encrypted beside plain, a large bucket beside a small one. */

const pageSize = 1_000
const smallCount = 10_000
/** Writes at once, which the store commits together. */
const writesAtOnce = 512
/** Places in the bucket where pages begin. */
const startsCount = 200
const keySpace = 2 ** 32
/** Odd, so that no two of 2^32 indexes give the same place; small enough for exact products. */
const scatter = 2_654_435

const encryptions = {
  plain: {},
  encrypted: { 'x-amz-server-side-encryption': 'AES256' },
} as const

type Kind = keyof typeof encryptions

export async function measureList(settings: Settings, server: RunningSealgate): Promise<Figure[]> {
  const counts = { small: smallCount, large: settings.listedKeys }
  const buckets = (['plain', 'encrypted'] as const).flatMap((kind) =>
    (['small', 'large'] as const).map((size) => ({ kind, size, count: counts[size] })),
  )
  for (const { kind, size, count } of buckets)
    await fillBucket(server, { kind, name: `${kind}-${size}`, count })
  const pages = (kind: Kind, size: 'small' | 'large') => () =>
    list(settings, server, { bucket: `${kind}-${size}`, count: counts[size] })
  const rates = await inRounds(settings.rounds, {
    plainSmall: pages('plain', 'small'),
    plainLarge: pages('plain', 'large'),
    encryptedSmall: pages('encrypted', 'small'),
    encryptedLarge: pages('encrypted', 'large'),
  })
  const keys = settings.listedKeys.toLocaleString('en')
  const figure = (what: string, own: readonly number[], besideIs: string, beside: readonly number[]) => ({
    what,
    kind: 'rate' as const,
    value: median(own),
    unit: 'pages/s',
    baseline: { what: besideIs, value: median(beside) },
    ratio: ratioOf(own, beside),
  })
  return [
    {
      ...figure(`LIST 1,000 of ${keys}, encrypted ÷ plain`, rates.encryptedLarge, 'plain', rates.plainLarge),
      must: 0.67,
      moonshot: 1,
    },
    {
      ...figure(
        `LIST 1,000 of ${keys} ÷ of 10,000, encrypted`,
        rates.encryptedLarge,
        '10,000 keys',
        rates.encryptedSmall,
      ),
      must: 0.67,
      moonshot: 1,
    },
  ]
}

/** One object through the server, and the same record under all the other keys through the store's own door. */
async function fillBucket(
  { target, directory }: RunningSealgate,
  { kind, name, count }: { readonly kind: Kind; readonly name: string; readonly count: number },
): Promise<void> {
  const { host, port } = target
  const headers = encryptions[kind]
  const requests = [
    presign(target, { method: 'PUT', path: `/${name}` }),
    presign(target, { method: 'PUT', path: `/${name}/${keyOf(0)}`, headers, bodySize: 100 }),
  ]
  for (const request of requests) await load({ host, port, connections: 1, requests: [request] })
  const backend = await openDiskBackend({ directory, log: pino({ level: 'silent' }) })
  try {
    const first = await backend.getObject(name, keyOf(0))
    for (let index = 1; index < count; index += writesAtOnce) {
      await putSome(backend, name, {
        record: first.record,
        from: index,
        to: Math.min(index + writesAtOnce, count),
      })
    }
  } finally {
    await backend.close()
  }
}

async function putSome(
  backend: Backend,
  bucket: string,
  {
    record,
    from,
    to,
  }: {
    readonly record: Parameters<Backend['putObject']>[0]['record']
    readonly from: number
    readonly to: number
  },
): Promise<void> {
  await Promise.all(
    Array.from({ length: to - from }, (_, offset) =>
      backend.putObject({
        bucket,
        key: keyOf(from + offset),
        record,
        data: { kind: 'bytes', bytes: new Uint8Array(100) },
        newVersionId: () => '',
      }),
    ),
  )
}

/** Pages a second. */
async function list(
  { seconds }: Settings,
  { target }: RunningSealgate,
  { bucket, count }: { readonly bucket: string; readonly count: number },
): Promise<number> {
  const requests = Array.from({ length: startsCount }, (_, index): LoadRequest => {
    // Two pages short of the end, so that every page is a full one.
    const start = Math.floor((keySpace * (1 - (2 * pageSize) / count) * index) / startsCount)
    return presign(target, {
      method: 'GET',
      path: `/${bucket}`,
      query: { 'list-type': '2', 'start-after': toKey(start) },
    })
  })
  const { host, port } = target
  const result = await load({ host, port, connections: 1, requests, seconds })
  return result.requests / result.seconds
}

/** Evenly spread, and written in no order. */
function keyOf(index: number): string {
  return toKey((index * scatter) % keySpace)
}

function toKey(place: number): string {
  return `objects/${place.toString(16).padStart(8, '0')}`
}
