import type { Figure } from '../figure.ts'
import type { Settings } from '../settings.ts'
import { presign, type Target } from '../support/presign.ts'
import { cpuSecondsOf, load } from '../support/processes.ts'
import { inRounds, median, ratioOf } from '../support/rounds.ts'
import { startSealgate } from '../support/sealgate.ts'

/**
 * One large object in parts, several at once, from its creation to its completion. Each upload has a server of its own: a store
 * keeps the parts of an object that was overwritten for a while, and several would not fit in memory.
 */

const partSize = 16 * 1024 * 1024
const partsAtOnce = 8
const gigabyte = 1e9

type Headers = Readonly<Record<string, string>>

interface Upload {
  readonly rate: number
  readonly cpuPerGigabyte: number
}

export async function measureMultipart(settings: Settings): Promise<Figure[]> {
  const { sealed, plain } = await inRounds(settings.rounds, {
    sealed: () => uploadToNew(settings, { 'x-amz-server-side-encryption': 'AES256' }),
    plain: () => uploadToNew(settings, {}),
  })
  const size = `${settings.multipartSize / 1024 ** 2} MiB`
  const rates = (uploads: readonly Upload[]) => uploads.map(({ rate }) => rate)
  const cpu = (uploads: readonly Upload[]) => median(uploads.map(({ cpuPerGigabyte }) => cpuPerGigabyte))
  return [
    {
      what: `multipart upload of ${size} in 16 MiB parts ×8, SSE-S3 ÷ plain`,
      kind: 'rate',
      value: median(rates(sealed)),
      unit: 'GB/s',
      baseline: { what: 'plain', value: median(rates(plain)) },
      ratio: ratioOf(rates(sealed), rates(plain)),
      cpu: { unit: 's/GB', own: cpu(sealed), baseline: cpu(plain) },
    },
  ]
}

async function uploadToNew(settings: Settings, headers: Headers): Promise<Upload> {
  const server = await startSealgate(settings.directory)
  try {
    await send(server.target, { method: 'PUT', path: '/multipart' })
    const before = cpuSecondsOf(server.pid)
    const startedAt = performance.now()
    await upload(server.target, settings.multipartSize, headers)
    const seconds = (performance.now() - startedAt) / 1000
    const after = cpuSecondsOf(server.pid)
    const size = settings.multipartSize / gigabyte
    return { rate: size / seconds, cpuPerGigabyte: ((after ?? Number.NaN) - (before ?? Number.NaN)) / size }
  } finally {
    await server.stop()
  }
}

async function upload(target: Target, size: number, headers: Headers): Promise<void> {
  const { host, port } = target
  const path = '/multipart/object'
  const created = await send(target, { method: 'POST', path, query: { uploads: '' }, headers })
  const uploadId = /<UploadId>([^<]+)/.exec(created)?.[1] ?? ''
  const requests = Array.from({ length: Math.ceil(size / partSize) }, (_, index) =>
    presign(target, {
      method: 'PUT',
      path,
      query: { partNumber: String(index + 1), uploadId },
      bodySize: Math.min(partSize, size - index * partSize),
    }),
  )
  await load({ host, port, connections: partsAtOnce, requests })
  const listed = await send(target, { method: 'GET', path, query: { uploadId, 'max-parts': '1000' } })
  const parts = [...listed.matchAll(/<PartNumber>(\d+)<\/PartNumber>[\s\S]*?<ETag>([^<]+)<\/ETag>/g)]
  const body = parts.map(
    ([, number, etag]) => `<Part><PartNumber>${number}</PartNumber><ETag>${etag}</ETag></Part>`,
  )
  const completion = `<CompleteMultipartUpload>${body.join('')}</CompleteMultipartUpload>`
  await send(target, { method: 'POST', path, query: { uploadId } }, completion)
  const { headers: stored } = await fetch(urlOf(target, { method: 'HEAD', path }), { method: 'HEAD' })
  if (Number(stored.get('content-length')) !== size)
    throw new Error(`an upload of ${size} bytes is not whole`)
}

async function send(target: Target, request: Parameters<typeof presign>[1], body?: string): Promise<string> {
  const { method, headers = {} } = request
  const response = await fetch(urlOf(target, request), {
    method,
    headers: { ...headers },
    ...(body !== undefined && { body }),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`${method} ${request.path}: ${response.status} ${text}`)
  return text
}

function urlOf(target: Target, request: Parameters<typeof presign>[1]): string {
  return `http://${target.host}:${target.port}${presign(target, request).path}`
}
