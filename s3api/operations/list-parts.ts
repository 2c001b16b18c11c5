import { ownerElement } from '../access/acl-document.ts'
import { ownerOf } from '../access/users.ts'
import type { PartRecord } from '../backends/backend.ts'
import { S3Error } from '../errors.ts'
import { document, element, type XmlNode } from '../http/xml-writer.ts'
import type { Operation, S3Request } from '../operation.ts'
import { parseDecimal } from '../text.ts'
import { checksumTypeElements, checksumValueElements } from './digests.ts'
import { parseEncoding, parseLimit } from './listing.ts'

/** Sizes and ETags are those of the plaintext parts, as UploadPart answered them; no key is needed. */
export const listParts: Operation = {
  name: 'ListParts',
  action: 's3:ListMultipartUploadParts',
  method: 'GET',
  scope: 'object',
  query: ['uploadId'],
  async handle({ services: { backend }, request, access, users }) {
    const { bucket, key, query } = request
    const limit = parseLimit(request, 'max-parts')
    const after = parseMarker(request)
    const { type, encode } = parseEncoding(request)
    const upload = await backend.getUpload(bucket, key, query.get('uploadId') ?? '')
    const { parts, truncated } = await backend.listParts(upload, { after, limit })
    const last = parts.at(-1)
    const { owner } = await access.bucket(bucket)
    return {
      status: 200,
      body: document(
        element('ListPartsResult', [
          element('Bucket', bucket),
          ...(type === undefined ? [] : [element('EncodingType', type)]),
          element('Key', encode(key)),
          element('UploadId', upload.uploadId),
          ownerElement('Initiator', ownerOf(users, upload.initiator)),
          ownerElement('Owner', ownerOf(users, upload.owner ?? owner)),
          element('StorageClass', upload.storageClass),
          element('PartNumberMarker', String(after)),
          ...(last === undefined ? [] : [element('NextPartNumberMarker', String(last.number))]),
          element('MaxParts', String(limit)),
          element('IsTruncated', String(truncated)),
          ...checksumTypeElements(upload.checksum),
          ...parts.map(partElement),
        ]),
      ),
    }
  },
}

function partElement({ number, modifiedAtMs, etag, size, checksum }: PartRecord): XmlNode {
  return element('Part', [
    element('PartNumber', String(number)),
    element('LastModified', new Date(modifiedAtMs).toISOString()),
    element('ETag', `"${etag}"`),
    element('Size', String(size)),
    ...checksumValueElements(checksum),
  ])
}

function parseMarker({ query }: S3Request): number {
  const text = query.get('part-number-marker')
  if (text === undefined || text === '') return 0
  const marker = parseDecimal(text)
  if (marker === undefined) {
    throw new S3Error('InvalidArgument', 'Provided part-number-marker not an integer or within integer range')
  }
  return marker
}
