import { createHmac } from 'node:crypto'
import { S3Error } from '../errors.ts'
import { sameText } from './signing-key.ts'

/**
 * Signature V2: HMAC-SHA1 over a few facts of a request. Several clients still presign with it. What it leaves open is closed
 * here: a sub-resource that the signature does not cover is refused. Source: S3 API reference (archived), "Signing and
 * authenticating REST requests (AWS signature version 2)".
 */

/** Of the query, what the signature covers; everything else that names an operation or changes its meaning is refused. */
const signedParameters = new Set([
  'accelerate',
  'acl',
  'analytics',
  'cors',
  'defaultObjectAcl',
  'delete',
  'inventory',
  'lifecycle',
  'location',
  'logging',
  'metrics',
  'notification',
  'object-lock',
  'partNumber',
  'policy',
  'replication',
  'requestPayment',
  'response-cache-control',
  'response-content-disposition',
  'response-content-encoding',
  'response-content-language',
  'response-content-type',
  'response-expires',
  'restore',
  'select',
  'select-type',
  'storageClass',
  'tagging',
  'torrent',
  'uploadId',
  'uploads',
  'versionId',
  'versioning',
  'versions',
  'website',
])
/** Not signed, and harmless: they choose what part of a listing is shown and how. */
const freeParameters = new Set([
  'continuation-token',
  'delimiter',
  'encoding-type',
  'fetch-owner',
  'key-marker',
  'list-type',
  'marker',
  'max-buckets',
  'max-keys',
  'max-parts',
  'max-uploads',
  'part-number-marker',
  'prefix',
  'start-after',
  'upload-id-marker',
  'version-id-marker',
  'x-id',
])
/** The signature's own, in presigned requests. */
const signatureParameters = new Set(['AWSAccessKeyId', 'Expires', 'Signature'])
/** Signed as the headers that they stand for. */
const headerParameters = /^(x-amz-|content-md5$|content-type$)/

export interface RequestToSign {
  readonly method: string
  readonly rawUrl: string
  /** Decoded. */
  readonly query: ReadonlyMap<string, string>
  /** With those that a presigned request has in its query. */
  readonly headers: ReadonlyMap<string, string>
  readonly bucket: string
  /** The bucket is named by the host. */
  readonly virtualHost?: true
}

/** The text that is signed; `expires` in a presigned request takes the place of the date. Errors: AccessDenied. */
function stringToSign(request: RequestToSign, expires?: string): string {
  const { method, headers } = request
  const date = expires ?? (headers.has('x-amz-date') ? '' : (headers.get('date') ?? ''))
  const amz = [...headers]
    .filter(([name]) => name.startsWith('x-amz-'))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}:${value.trim().replace(/\s+/g, ' ')}\n`)
  return [
    method,
    headers.get('content-md5') ?? '',
    headers.get('content-type') ?? '',
    date,
    `${amz.join('')}${canonicalResource(request)}`,
  ].join('\n')
}

/** base64 */
export function signV2(secretKey: string, text: string): string {
  return createHmac('sha1', secretKey).update(text, 'utf8').digest('base64')
}

/**
 * The texts that a client can have signed: for a bucket, some add the slash that the path lacks. Errors: those of
 * {@link stringToSign}.
 */
export function stringsToSign(request: RequestToSign, expires?: string): readonly string[] {
  const text = stringToSign(request, expires)
  const { rawUrl, bucket, virtualHost } = request
  const bare = virtualHost !== true && bucket !== '' && /^\/[^/?]+(\?|$)/.test(rawUrl)
  if (!bare) return [text]
  return [text, stringToSign({ ...request, rawUrl: rawUrl.replace(/(?=\?|$)/, '/') }, expires)]
}

export function matchesV2(given: string, secretKey: string, text: string): boolean {
  return sameText(given, signV2(secretKey, text))
}

function canonicalResource({ rawUrl, query, bucket, virtualHost }: RequestToSign): string {
  const signed: string[] = []
  for (const [name, value] of query) {
    if (signedParameters.has(name)) {
      if (holdsParameter(value)) {
        throw new S3Error(
          'AccessDenied',
          `Signature V2 does not tell the value of ${name} from more parameters`,
        )
      }
      signed.push(value === '' ? name : `${name}=${value}`)
    } else if (!freeParameters.has(name) && !signatureParameters.has(name) && !headerParameters.test(name)) {
      throw new S3Error('AccessDenied', `Signature V2 does not cover the parameter ${name}`)
    }
  }
  const [path = ''] = rawUrl.replace(/^https?:\/\/[^/?]*/i, '').split('?')
  const resource = `${virtualHost === true ? `/${bucket}` : ''}${path === '' ? '/' : path}`
  return signed.length === 0 ? resource : `${resource}?${signed.sort().join('&')}`
}

/** Values are signed decoded: with a parameter in it, one says the same as two. */
function holdsParameter(value: string): boolean {
  const [, ...others] = value.split('&')
  return others.some((text) => signedParameters.has(text.split('=', 1)[0] ?? ''))
}
