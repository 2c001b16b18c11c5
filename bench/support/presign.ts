import { createHash, createHmac } from 'node:crypto'
import type { LoadRequest } from './load-job.ts'

/** Presigned requests (Signature V4 in the query), so that a load generator needs no signing of its own. */

export interface Target {
  readonly host: string
  readonly port: number
  readonly accessKey: string
  readonly secretKey: string
  readonly region: string
}

const lifetimeSeconds = 24 * 3600

export function presign(
  target: Target,
  request: {
    readonly method: string
    /** `/bucket/key`, of unreserved characters. */
    readonly path: string
    readonly query?: Readonly<Record<string, string>>
    /** Signed and sent. */
    readonly headers?: Readonly<Record<string, string>>
    /** Sent, not signed. */
    readonly unsigned?: Readonly<Record<string, string>>
    readonly bodySize?: number
  },
): LoadRequest {
  const { method, path, headers = {}, unsigned = {}, bodySize = 0 } = request
  const time = `${new Date().toISOString().replace(/[-:]/g, '').slice(0, 15)}Z`
  const date = time.slice(0, 8)
  const scope = `${date}/${target.region}/s3/aws4_request`
  const signed: [string, string][] = [...Object.entries(headers), ['host', `${target.host}:${target.port}`]]
  signed.sort(([a], [b]) => (a < b ? -1 : 1))
  const names = signed.map(([name]) => name).join(';')
  const query = Object.entries({
    ...request.query,
    'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
    'X-Amz-Credential': `${target.accessKey}/${scope}`,
    'X-Amz-Date': time,
    'X-Amz-Expires': String(lifetimeSeconds),
    'X-Amz-SignedHeaders': names,
  })
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
    .sort()
    .join('&')
  const canonical = [
    method,
    path,
    query,
    ...signed.map(([name, value]) => `${name}:${value}`),
    '',
    names,
    headers['x-amz-content-sha256'] ?? 'UNSIGNED-PAYLOAD',
  ].join('\n')
  const hash = createHash('sha256').update(canonical).digest('hex')
  const key = ['aws4_request', 's3', target.region, date].reduceRight(
    (parent: Uint8Array, text) => hmac(parent, text),
    Buffer.from(`AWS4${target.secretKey}`),
  )
  const signature = Buffer.from(hmac(key, `AWS4-HMAC-SHA256\n${time}\n${scope}\n${hash}`)).toString('hex')
  return {
    method,
    path: `${path}?${query}&X-Amz-Signature=${signature}`,
    headers: { ...headers, ...unsigned },
    bodySize,
  }
}

function hmac(key: Uint8Array, text: string): Uint8Array {
  return createHmac('sha256', key).update(text).digest()
}
