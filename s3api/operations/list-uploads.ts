import { ownerElement } from '../access/acl-document.ts'
import { ownerOf, type Users } from '../access/users.ts'
import type { UploadPage } from '../backends/backend.ts'
import { document, element, type XmlNode } from '../http/xml-writer.ts'
import type { Operation } from '../operation.ts'
import { checksumTypeElements } from './digests.ts'
import { parseEncoding, parseLimit, prefixElements } from './listing.ts'

export const listMultipartUploads: Operation = {
  name: 'ListMultipartUploads',
  action: 's3:ListBucketMultipartUploads',
  method: 'GET',
  scope: 'bucket',
  query: ['uploads'],
  async handle({ services: { backend }, request, access, users, signal }) {
    const { bucket, query } = request
    const parameter = (name: string) => query.get(name) ?? ''
    const limit = parseLimit(request, 'max-uploads')
    const { type, encode } = parseEncoding(request)
    const [prefix, delimiter, keyMarker] = [
      parameter('prefix'),
      parameter('delimiter'),
      parameter('key-marker'),
    ]
    // An upload id without a key marks nothing (S3 API reference, ListMultipartUploads).
    const uploadIdMarker = keyMarker === '' ? '' : parameter('upload-id-marker')
    const wanted = { prefix, delimiter, keyMarker, uploadIdMarker, limit }
    const page = await backend.listUploads(bucket, wanted, signal)
    const { owner } = await access.bucket(bucket)
    return {
      status: 200,
      body: document(
        element('ListMultipartUploadsResult', [
          element('Bucket', bucket),
          ...(type === undefined ? [] : [element('EncodingType', type)]),
          element('KeyMarker', encode(keyMarker)),
          element('UploadIdMarker', uploadIdMarker),
          ...nextMarkers(page, encode),
          element('Prefix', encode(prefix)),
          ...(delimiter === '' ? [] : [element('Delimiter', encode(delimiter))]),
          element('MaxUploads', String(limit)),
          element('IsTruncated', String(page.truncated)),
          ...entryElements(page, { encode, users, bucketOwner: owner }),
        ]),
      ),
    }
  },
}

function nextMarkers({ entries, truncated }: UploadPage, encode: (text: string) => string): XmlNode[] {
  const last = entries.at(-1)
  if (!truncated || last === undefined) return []
  if (last.kind === 'prefix') return [element('NextKeyMarker', encode(last.prefix))]
  return [
    element('NextKeyMarker', encode(last.upload.key)),
    element('NextUploadIdMarker', last.upload.uploadId),
  ]
}

function entryElements(
  { entries }: UploadPage,
  {
    encode,
    users,
    bucketOwner,
  }: {
    readonly encode: (text: string) => string
    readonly users: Users
    readonly bucketOwner: string
  },
): XmlNode[] {
  const uploads = entries.flatMap((entry) => {
    if (entry.kind === 'prefix') return []
    const {
      key,
      uploadId,
      storageClass,
      initiatedAtMs,
      initiator,
      owner = bucketOwner,
      checksum,
    } = entry.upload
    return [
      element('Upload', [
        element('Key', encode(key)),
        element('UploadId', uploadId),
        ownerElement('Initiator', ownerOf(users, initiator)),
        ownerElement('Owner', ownerOf(users, owner)),
        element('StorageClass', storageClass),
        element('Initiated', new Date(initiatedAtMs).toISOString()),
        ...checksumTypeElements(checksum),
      ]),
    ]
  })
  return [...uploads, ...prefixElements(entries, encode)]
}
