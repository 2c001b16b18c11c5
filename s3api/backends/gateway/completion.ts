import { document, element } from '../../http/xml-writer.ts'
import type { UpstreamAnswer } from './upstream.ts'
import { parseError, requestIdOf, UpstreamError } from './upstream-error.ts'

/** How an upload of the store's is completed, whoever has made its parts. */

export interface PartTag {
  readonly number: number
  readonly etag: string
  /** Base64; where the upload's parts have checksums. */
  readonly crc32?: string
}

export function completionDocument(tags: readonly PartTag[]): string {
  const parts = tags.map(({ number, etag, crc32 }) =>
    element('Part', [
      element('PartNumber', String(number)),
      element('ETag', `"${etag}"`),
      ...(crc32 === undefined ? [] : [element('ChecksumCRC32', crc32)]),
    ]),
  )
  return document(element('CompleteMultipartUpload', parts))
}

/** A completion that fails late is an error document with status 200 (S3 API reference, CompleteMultipartUpload). */
export function requireCompleted({
  status,
  headers,
  bytes,
}: UpstreamAnswer & { readonly bytes: Uint8Array }): void {
  const error = parseError(bytes)
  if (error === undefined) return
  throw new UpstreamError({
    status: status === 200 ? 500 : status,
    ...error,
    storeRequestId: requestIdOf(headers),
    headers,
  })
}
