import { createHash, createHmac } from 'node:crypto'
import http from 'node:http'

/** HTTP requests whose every byte a test can choose, signed with Signature V4 as its description says, by code of the test's own. */

export interface Signer {
  readonly accessKey: string
  readonly secretKey: string
}

export interface SentRequest {
  readonly method: string
  /** Path and query exactly as they go over the wire. */
  readonly target: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
  /** What the signature covers in place of the target's path. */
  readonly canonicalPath?: string
  /** Sent, and not signed. */
  readonly unsignedHeaders?: Readonly<Record<string, string>>
  /** Names a virtual host. */
  readonly host?: string
}

export interface Response {
  readonly status: number
  readonly headers: http.IncomingHttpHeaders
  readonly body: string
  /** Of an error document. */
  readonly code: string | undefined
}

const region = 'us-east-1'

export async function sendSigned(
  url: string,
  request: SentRequest,
  signer: Signer | undefined,
): Promise<Response> {
  const { hostname, port } = new URL(url)
  const body = request.body === undefined ? undefined : Buffer.from(request.body)
  const given = {
    host: request.host ?? `${hostname}:${port}`,
    ...request.headers,
    ...(body !== undefined && { 'content-length': String(body.length) }),
  }
  const signed = signer === undefined ? given : signedHeaders(request, given, body, signer)
  return new Promise((resolve, reject) => {
    const outgoing = http.request({
      hostname,
      port,
      method: request.method,
      path: request.target,
      headers: { ...signed, ...request.unsignedHeaders },
      agent: false,
    })
    outgoing.on('error', reject)
    outgoing.on('response', (incoming) => {
      const pieces: Buffer[] = []
      incoming.on('data', (piece: Buffer) => pieces.push(piece))
      incoming.on('error', reject)
      incoming.on('end', () => {
        const text = Buffer.concat(pieces).toString('utf8')
        resolve({
          status: incoming.statusCode ?? 0,
          headers: incoming.headers,
          body: text,
          code: /<Error><Code>([^<]*)<\/Code>/.exec(text)?.[1],
        })
      })
    })
    outgoing.end(body)
  })
}

/** The headers of the request with those of its signature, which covers all of them. */
export function signRequest(
  request: Pick<SentRequest, 'method' | 'target'> & { readonly headers: Readonly<Record<string, string>> },
  signer: Signer,
): Record<string, string> {
  return signedHeaders(request, request.headers, undefined, signer)
}

function signedHeaders(
  { method, target, canonicalPath }: SentRequest,
  given: Readonly<Record<string, string>>,
  body: Buffer | undefined,
  { accessKey, secretKey }: Signer,
): Record<string, string> {
  const time = new Date().toISOString().replace(/[-:]|\.\d{3}/g, '')
  const payloadHash = given['x-amz-content-sha256'] ?? sha256(body ?? '')
  const headers: Record<string, string> = {
    ...given,
    'x-amz-date': time,
    'x-amz-content-sha256': payloadHash,
  }
  const names = Object.keys(headers)
    .filter((name) => name !== 'content-length')
    .sort()
  const question = target.indexOf('?')
  const canonical = [
    method,
    canonicalPath ?? (question === -1 ? target : target.slice(0, question)),
    question === -1 ? '' : canonicalQuery(target.slice(question + 1)),
    ...names.map((name) => `${name}:${(headers[name] ?? '').replace(/^ +| +$/g, '').replace(/ +/g, ' ')}`),
    '',
    names.join(';'),
    payloadHash,
  ].join('\n')
  const scope = `${time.slice(0, 8)}/${region}/s3/aws4_request`
  const text = ['AWS4-HMAC-SHA256', time, scope, sha256(canonical)].join('\n')
  const key = [region, 's3', 'aws4_request'].reduce(
    (parent, name) => hmac(parent, name),
    hmac(`AWS4${secretKey}`, time.slice(0, 8)),
  )
  const signature = hmac(key, text).toString('hex')
  return {
    ...headers,
    authorization: `AWS4-HMAC-SHA256 Credential=${accessKey}/${scope}, SignedHeaders=${names.join(';')}, Signature=${signature}`,
  }
}

function canonicalQuery(query: string): string {
  return query
    .split('&')
    .map((pair) => (pair.includes('=') ? pair : `${pair}=`))
    .sort()
    .join('&')
}

function sha256(text: string | Buffer): string {
  // Characters of headers stand for bytes, as node:http has them.
  const bytes = typeof text === 'string' ? Buffer.from(text, 'latin1') : text
  return createHash('sha256').update(bytes).digest('hex')
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}
