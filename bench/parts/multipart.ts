import type { Figure } from '../figure.ts'
import type { Settings } from '../settings.ts'
import { presign } from '../support/presign.ts'
import { load } from '../support/processes.ts'
import { inRounds, median, ratioOf } from '../support/rounds.ts'
import type { RunningSealgate } from '../support/sealgate.ts'

/** One large object in parts, several at once, from its creation to its completion. */

const partSize = 16 * 1024 * 1024
const partsAtOnce = 8
const gigabyte = 1e9

export async function measureMultipart(settings: Settings, server: RunningSealgate): Promise<Figure[]> {
  const { target } = server
  const { host, port } = target
  await send('PUT', '/multipart')
  const results = await inRounds(settings.rounds, {
    sealed: () => upload({ 'x-amz-server-side-encryption': 'AES256' }),
    plain: () => upload({}),
  })
  const size = `${settings.multipartSize / 1024 ** 2} MiB`
  return [
    {
      what: `multipart upload of ${size} in 16 MiB parts ×8, SSE-S3 ÷ plain`,
      kind: 'rate',
      value: median(results.sealed),
      unit: 'GB/s',
      baseline: { what: 'plain', value: median(results.plain) },
      ratio: ratioOf(results.sealed, results.plain),
    },
  ]

  /** GB/s of the whole upload. */
  async function upload(headers: Readonly<Record<string, string>>): Promise<number> {
    const startedAt = performance.now()
    const created = await send('POST', '/multipart/object', { uploads: '' }, headers)
    const uploadId = /<UploadId>([^<]+)/.exec(created)?.[1] ?? ''
    const count = Math.ceil(settings.multipartSize / partSize)
    const requests = Array.from({ length: count }, (_, index) =>
      presign(target, {
        method: 'PUT',
        path: '/multipart/object',
        query: { partNumber: String(index + 1), uploadId },
        bodySize: Math.min(partSize, settings.multipartSize - index * partSize),
      }),
    )
    await load({ host, port, connections: partsAtOnce, requests })
    const listed = await send('GET', '/multipart/object', { uploadId, 'max-parts': '1000' })
    const parts = [...listed.matchAll(/<PartNumber>(\d+)<\/PartNumber>[\s\S]*?<ETag>([^<]+)<\/ETag>/g)]
    const body = parts.map(
      ([, number, etag]) => `<Part><PartNumber>${number}</PartNumber><ETag>${etag}</ETag></Part>`,
    )
    const completion = `<CompleteMultipartUpload>${body.join('')}</CompleteMultipartUpload>`
    await send('POST', '/multipart/object', { uploadId }, {}, completion)
    return settings.multipartSize / gigabyte / ((performance.now() - startedAt) / 1000)
  }

  async function send(
    method: string,
    path: string,
    query: Readonly<Record<string, string>> = {},
    headers: Readonly<Record<string, string>> = {},
    body?: string,
  ): Promise<string> {
    const request = presign(target, { method, path, query, headers })
    const response = await fetch(`http://${host}:${port}${request.path}`, {
      method,
      headers: request.headers,
      ...(body !== undefined && { body }),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
    return text
  }
}
