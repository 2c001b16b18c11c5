import { S3Error } from '../errors.ts'
import { parseDecimal } from '../text.ts'

/** Bytes [offset, offset + size) of a plaintext. */
export interface ByteRange {
  readonly offset: number
  readonly size: number
}

/**
 * The one range of a Range header, or undefined where the header is absent, not about bytes, malformed or names several
 * ranges: such a header is ignored (RFC 9110 §14.2, and S3 serves one range only). Errors: InvalidRange.
 */
export function parseRange(header: string | undefined, total: number): ByteRange | undefined {
  const match = header === undefined ? null : /^bytes=([0-9]*)-([0-9]*)$/.exec(header.trim())
  if (match === null || header === undefined) return undefined
  const [first, last] = [match[1] ?? '', match[2] ?? '']
  if (first === '' && last === '') return undefined
  const unsatisfiable = () =>
    new S3Error('InvalidRange', undefined, {
      elements: { RangeRequested: header, ActualObjectSize: String(total) },
    })
  if (first === '') {
    const suffix = Math.min(parseDecimal(last) ?? total, total)
    if (suffix === 0) throw unsatisfiable()
    return { offset: total - suffix, size: suffix }
  }
  const offset = parseDecimal(first)
  const end = last === '' ? total - 1 : Math.min(parseDecimal(last) ?? total - 1, total - 1)
  if (last !== '' && offset !== undefined && (parseDecimal(last) ?? total) < offset) return undefined
  if (offset === undefined || offset >= total) throw unsatisfiable()
  return { offset, size: end - offset + 1 }
}

/** The range of a copy source: both ends given and inside the source (S3 API reference, UploadPartCopy). Errors: InvalidArgument, InvalidRange. */
export function parseCopySourceRange(header: string | undefined, total: number): ByteRange {
  if (header === undefined) return { offset: 0, size: total }
  const match = /^bytes=([0-9]+)-([0-9]+)$/.exec(header.trim())
  const [first, last] = [parseDecimal(match?.[1] ?? ''), parseDecimal(match?.[2] ?? '')]
  if (first === undefined || last === undefined || last < first) {
    throw new S3Error(
      'InvalidArgument',
      'The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy',
    )
  }
  if (last >= total) {
    throw new S3Error('InvalidRange', `Range specified is not valid for source object of size: ${total}`)
  }
  return { offset: first, size: last - first + 1 }
}
