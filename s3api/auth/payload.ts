import { S3Error } from '../errors.ts'
import { parseDecimal } from '../text.ts'

/** In which form a payload travels, as x-amz-content-sha256 says (S3 API reference, "Signature calculations"). */
export type PayloadForm =
  | { readonly kind: 'hashed'; readonly sha256: string }
  | { readonly kind: 'unsigned' }
  | { readonly kind: 'chunked'; readonly signed: boolean; readonly trailer: boolean }

const streamingForms: Readonly<Record<string, PayloadForm>> = {
  'STREAMING-AWS4-HMAC-SHA256-PAYLOAD': { kind: 'chunked', signed: true, trailer: false },
  'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER': { kind: 'chunked', signed: true, trailer: true },
  'STREAMING-UNSIGNED-PAYLOAD-TRAILER': { kind: 'chunked', signed: false, trailer: true },
}

/** Errors: InvalidArgument. */
export function parsePayloadForm(header: string): PayloadForm {
  if (header === 'UNSIGNED-PAYLOAD') return { kind: 'unsigned' }
  if (/^[0-9a-f]{64}$/.test(header)) return { kind: 'hashed', sha256: header }
  const streaming = streamingForms[header]
  if (streaming !== undefined) return streaming
  throw new S3Error(
    'InvalidArgument',
    'x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER, STREAMING-UNSIGNED-PAYLOAD-TRAILER or a valid sha256 value.',
    { elements: { ArgumentName: 'x-amz-content-sha256' } },
  )
}

/**
 * Payload bytes as announced: x-amz-decoded-content-length of a chunked form, else Content-Length. Undefined: not announced.
 * Errors: MissingContentLength (a chunked form must say it), InvalidArgument.
 */
export function announcedSize(headers: ReadonlyMap<string, string>, form: PayloadForm): number | undefined {
  const name = form.kind === 'chunked' ? 'x-amz-decoded-content-length' : 'content-length'
  const text = headers.get(name)
  if (text === undefined) {
    if (form.kind === 'chunked') throw new S3Error('MissingContentLength')
    return undefined
  }
  const size = parseDecimal(text)
  if (size === undefined) throw new S3Error('InvalidArgument', `${name} is not a number of bytes`)
  return size
}
