import { createHash } from 'node:crypto'
import type { Figure } from '../figure.ts'
import type { Settings } from '../settings.ts'
import { compare, fill, once, sampler } from '../support/compare.ts'
import { presign } from '../support/presign.ts'
import type { RunningSealgate } from '../support/sealgate.ts'

/** What a KMS costs small objects: SSE-S3, whose data keys come from control, beside SSE-C, whose keys come with the request. */

const objects = 2_000
const bodySize = 1024
const connections = 32
const mustRatio = 0.9

const customerKey = Buffer.alloc(32, 0x42)
const sseC = {
  'x-amz-server-side-encryption-customer-algorithm': 'AES256',
  'x-amz-server-side-encryption-customer-key': customerKey.toString('base64'),
  'x-amz-server-side-encryption-customer-key-md5': createHash('md5').update(customerKey).digest('base64'),
}
const sseS3 = { 'x-amz-server-side-encryption': 'AES256' }

/** The server has to take SSE-C over plain HTTP. */
export async function measureKeys(settings: Settings, server: RunningSealgate): Promise<Figure[]> {
  const { target } = server
  await once(target, presign(target, { method: 'PUT', path: '/keys' }))
  const run = sampler(settings, server.pid)
  const requests = (method: 'PUT' | 'GET', kind: string, headers: Readonly<Record<string, string>>) =>
    Array.from({ length: objects }, (_, index) =>
      presign(target, {
        method,
        path: `/keys/${kind}-${index}`,
        headers,
        ...(method === 'PUT' && { bodySize }),
      }),
    )
  const put = await compare(settings, 'PUT 1 KiB ×32, SSE-S3 ÷ SSE-C', {
    own: () => run(target, connections, requests('PUT', 's3', sseS3)),
    beside: () => run(target, connections, requests('PUT', 'c', sseC)),
    besideIs: 'SSE-C',
    per: 'request',
    must: mustRatio,
  })
  await fill(target, requests('PUT', 's3', sseS3))
  await fill(target, requests('PUT', 'c', sseC))
  const get = await compare(settings, 'GET 1 KiB ×32, SSE-S3 ÷ SSE-C', {
    own: () => run(target, connections, requests('GET', 's3', {})),
    beside: () => run(target, connections, requests('GET', 'c', sseC)),
    besideIs: 'SSE-C',
    per: 'request',
    must: mustRatio,
  })
  return [put, get]
}
