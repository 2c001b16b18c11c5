import type { Figure } from '../figure.ts'
import type { Settings } from '../settings.ts'
import { withBareServer } from '../support/bare.ts'
import { compare, compareWithDelay, fill, once, type Run, sampler } from '../support/compare.ts'
import type { LoadRequest } from '../support/load-job.ts'
import { presign } from '../support/presign.ts'
import { peakResidentMib } from '../support/processes.ts'
import type { RunningSealgate } from '../support/sealgate.ts'

/** A server under load: encrypted requests beside plain ones to the same server, and beside node:http alone. */

const smallKeys = 2_000
const largeKeys = 16
const rangeSize = 64 * 1024

const sseS3 = { 'x-amz-server-side-encryption': 'AES256' }
const sseKms = { 'x-amz-server-side-encryption': 'aws:kms' }

/** What is measured, and requests to it. */
interface Bench {
  readonly settings: Settings
  readonly server: RunningSealgate
  readonly run: Run
  put(
    kind: string,
    count: number,
    size: number,
    headers?: Readonly<Record<string, string>>,
  ): readonly LoadRequest[]
  get(kind: string, count: number): readonly LoadRequest[]
}

export async function measureServer(settings: Settings, server: RunningSealgate): Promise<Figure[]> {
  const { target } = server
  await once(target, presign(target, { method: 'PUT', path: '/bench' }))
  const each = (count: number, request: (index: number) => LoadRequest) =>
    Array.from({ length: count }, (_, index) => request(index))
  const bench: Bench = {
    settings,
    server,
    run: sampler(settings, server.pid, server),
    put: (kind, count, bodySize, headers = {}) =>
      each(count, (index) =>
        presign(target, { method: 'PUT', path: `/bench/${kind}-${index}`, headers, bodySize }),
      ),
    get: (kind, count) =>
      each(count, (index) => presign(target, { method: 'GET', path: `/bench/${kind}-${index}` })),
  }
  return [
    ...(await largeObjects(bench)),
    await ranges(bench),
    ...(await smallObjects(bench)),
    ...peak(server),
  ]
}

async function largeObjects(bench: Bench): Promise<Figure[]> {
  const { settings, server, run, put, get } = bench
  const { target } = server
  const { largeSize } = settings
  const written = await compareWithDelay(settings, 'PUT 64 MiB ×8, SSE-S3 ÷ plain, both with MD5', {
    own: () => run(target, 8, put('large-s3', largeKeys, largeSize, sseS3)),
    beside: () => run(target, 8, put('large-plain', largeKeys, largeSize)),
    besideIs: 'plain',
    per: 'byte',
    must: 1,
    moonshot: 1.5,
  })
  await fill(target, put('large-plain', largeKeys, largeSize))
  await fill(target, put('large-s3', largeKeys, largeSize, sseS3))
  const beside = await besideBareServer(bench)
  const read = await compareWithDelay(settings, 'GET 64 MiB ×8, SSE-S3 ÷ plain', {
    own: () => run(target, 8, get('large-s3', largeKeys)),
    beside: () => run(target, 8, get('large-plain', largeKeys)),
    besideIs: 'plain',
    per: 'byte',
    must: 0.65,
    moonshot: 0.85,
  })
  const delay = (method: string, { delayMs }: typeof read): Figure => ({
    what: `event loop delay p99 under ${method} 64 MiB ×8, SSE-S3`,
    kind: 'limit',
    value: delayMs.own,
    unit: 'ms',
    baseline: { what: 'plain', value: delayMs.beside },
    must: 20,
    moonshot: 10,
  })
  return [written.figure, ...beside, read.figure, delay('PUT', written), delay('GET', read)]
}

async function besideBareServer({ settings, server, run, put, get }: Bench): Promise<Figure[]> {
  const { target } = server
  const { largeSize } = settings
  const figures: Figure[] = []
  await withBareServer(settings, async (bare, barePid) => {
    const bareRun = sampler(settings, barePid)
    const sink = (path: string) => () =>
      bareRun(bare, 8, [{ method: 'PUT', path, headers: {}, bodySize: largeSize }])
    const source = { method: 'GET', path: `/source?${largeSize}`, headers: {}, bodySize: 0 }
    figures.push(
      await compare(settings, 'PUT 64 MiB ×8, SSE-S3 with MD5 ÷ node:http that hashes MD5 itself', {
        own: () => run(target, 8, put('large-s3', largeKeys, largeSize, sseS3)),
        beside: sink('/file-md5'),
        besideIs: 'bare server, MD5 on its event loop, to files',
        per: 'byte',
      }),
      await compare(settings, 'PUT 64 MiB ×8, SSE-KMS (no MD5) ÷ node:http + pool without hash or key', {
        own: () => run(target, 8, put('large-kms', largeKeys, largeSize, sseKms)),
        beside: sink('/file'),
        besideIs: 'bare server, to files',
        per: 'byte',
        must: 0.8,
        moonshot: 0.95,
      }),
      await compare(settings, 'PUT 64 MiB ×8, SSE-KMS (no MD5) ÷ node:http that drops the bytes', {
        own: () => run(target, 8, put('large-kms', largeKeys, largeSize, sseKms)),
        beside: sink('/sink'),
        besideIs: 'node:http sink',
        per: 'byte',
      }),
      await compare(settings, 'GET 64 MiB ×8, SSE-S3 ÷ node:http from memory', {
        own: () => run(target, 8, get('large-s3', largeKeys)),
        beside: () => bareRun(bare, 8, [source]),
        besideIs: 'node:http source',
        per: 'byte',
      }),
    )
  })
  return figures
}

async function ranges({ settings, server, run, put }: Bench): Promise<Figure> {
  const { target } = server
  await fill(target, put('ranged-s3', 1, settings.rangedSize, sseS3))
  await fill(target, put('ranged-plain', 1, settings.rangedSize))
  const rangesOf = (kind: string) =>
    Array.from({ length: smallKeys }, (_, index) => {
      // Far apart, in no order and not at the start of a package.
      const offset = (index * 7_919 * 12_347) % (settings.rangedSize - rangeSize)
      const unsigned = { Range: `bytes=${offset}-${offset + rangeSize - 1}` }
      return presign(target, { method: 'GET', path: `/bench/${kind}-0`, unsigned })
    })
  return compare(settings, 'GET 64 KiB ranges of 1 GiB ×8, SSE-S3 ÷ plain', {
    own: () => run(target, 8, rangesOf('ranged-s3')),
    beside: () => run(target, 8, rangesOf('ranged-plain')),
    besideIs: 'plain',
    per: 'request',
    must: 0.6,
    moonshot: 0.85,
  })
}

async function smallObjects({ settings, server, run, put, get }: Bench): Promise<Figure[]> {
  const { target } = server
  const figures: Figure[] = []
  for (const [name, size, targets] of [
    ['1 KiB', 1024, { must: 0.8, moonshot: 0.95 }],
    ['64 KiB', 64 * 1024, {}],
  ] as const) {
    const [sealed, plain] = [`small-s3-${size}`, `small-plain-${size}`]
    figures.push(
      await compare(settings, `PUT ${name} ×32, SSE-S3 ÷ plain`, {
        own: () => run(target, 32, put(sealed, smallKeys, size, sseS3)),
        beside: () => run(target, 32, put(plain, smallKeys, size)),
        besideIs: 'plain',
        per: 'request',
        ...targets,
      }),
    )
    await fill(target, put(sealed, smallKeys, size, sseS3))
    await fill(target, put(plain, smallKeys, size))
    figures.push(
      await compare(settings, `GET ${name} ×32, SSE-S3 ÷ plain`, {
        own: () => run(target, 32, get(sealed, smallKeys)),
        beside: () => run(target, 32, get(plain, smallKeys)),
        besideIs: 'plain',
        per: 'request',
        ...targets,
      }),
    )
  }
  return figures
}

function peak({ pid }: RunningSealgate): Figure[] {
  const value = peakResidentMib(pid)
  if (value === undefined) return []
  return [{ what: 'largest resident set of a process, all of the above', kind: 'limit', value, unit: 'MiB' }]
}
