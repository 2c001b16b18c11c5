import { document, element } from '../../http/xml-writer.ts'
import type { UpstreamAnswer } from './upstream.ts'
import { parseError, requestIdOf, UpstreamError } from './upstream-error.ts'
import { readAnswer, XmlEntry } from './xml-list.ts'

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

/**
 * The result of what a store may answer before it is done: a copy, a completion. One that fails late is an error document with
 * status 200 (S3 API reference, CompleteMultipartUpload); and what is neither, nothing among it, says of no object that it is made.
 * Errors: UpstreamError, BackendError unavailable.
 */
export function readResult(
  { status, headers, bytes }: UpstreamAnswer & { readonly bytes: Uint8Array },
  rootName: 'CopyObjectResult' | 'CopyPartResult' | 'CompleteMultipartUploadResult',
): XmlEntry {
  const error = parseError(bytes)
  if (error === undefined) return new XmlEntry(readAnswer(bytes, rootName))
  throw new UpstreamError({
    status: status === 200 ? 500 : status,
    ...error,
    storeRequestId: requestIdOf(headers),
    headers,
  })
}
