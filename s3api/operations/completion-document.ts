import { type ChecksumAlgorithm, checksumAlgorithms } from '../backends/backend.ts'
import { S3Error } from '../errors.ts'
import { readXml } from '../http/xml-reader.ts'
import { parseDecimal } from '../text.ts'
import { unquote } from './conditions.ts'
import { partNumberMax } from './uploads.ts'

/** A part as the client names it when it completes an upload. */
export interface NamedPart {
  readonly number: number
  /** Without quotes. */
  readonly etag: string
  readonly checksums: readonly { readonly algorithm: ChecksumAlgorithm; readonly value: string }[]
}

/**
 * Reads the body of CompleteMultipartUpload. Of a part that is named twice in a row, because the client has sent it again,
 * the later mention counts. Errors: MalformedXML, InvalidArgument.
 */
export function readCompletion(bytes: Uint8Array): NamedPart[] {
  const root = readXml(bytes, 'CompleteMultipartUpload')
  const parts = root.children('Part')
  if (parts.length === 0) throw new S3Error('MalformedXML')
  if (parts.length > partNumberMax) throw new S3Error('InvalidArgument', `At most ${partNumberMax} parts`)
  const named = parts.map((part) => {
    const number = parseDecimal(part.child('PartNumber')?.text() ?? '')
    const etag = part.child('ETag')?.text()
    if (number === undefined || etag === undefined) throw new S3Error('MalformedXML')
    if (number < 1 || number > partNumberMax) {
      throw new S3Error('InvalidArgument', `PartNumber must be >= 1 and <= ${partNumberMax}`)
    }
    const checksums = checksumAlgorithms.flatMap((algorithm) => {
      const value = part.child(`Checksum${algorithm}`)?.text()
      return value === undefined ? [] : [{ algorithm, value }]
    })
    return { number, etag: unquote(etag), checksums }
  })
  return named.filter(({ number }, index) => named[index + 1]?.number !== number)
}
