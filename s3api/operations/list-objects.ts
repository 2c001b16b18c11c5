import { ownerElement } from '../access/acl-document.ts'
import { type Owner, ownerOf } from '../access/users.ts'
import type { ListEntry, ListedRecord, ObjectPage } from '../backends/backend.ts'
import { S3Error } from '../errors.ts'
import { document, element, type XmlNode } from '../http/xml-writer.ts'
import type { Operation, RequestContext } from '../operation.ts'
import { checksumTypeElements } from './digests.ts'
import { parseEncoding, parseLimit, parseToken, prefixElements, toToken } from './listing.ts'

/** ListObjects and ListObjectsV2. Neither asks the KMS for anything: sizes and ETags are those of the records. */

export const listObjects: Operation = {
  name: 'ListObjects',
  action: 's3:ListBucket',
  method: 'GET',
  scope: 'bucket',
  async handle(context) {
    const { query } = context.request
    const marker = query.get('marker') ?? ''
    const { page, common, encode, delimiter } = await list(context, marker)
    const last = page.entries.at(-1)
    return {
      status: 200,
      body: document(
        element('ListBucketResult', [
          ...common,
          element('Marker', encode(marker)),
          // Without a delimiter the client takes the last key (S3 API reference, ListObjects).
          ...(page.truncated && last !== undefined && delimiter !== ''
            ? [element('NextMarker', encode(nameOf(last)))]
            : []),
          ...entryElements(page, encode, await owners(context)),
        ]),
      ),
    }
  },
}

export const listObjectsV2: Operation = {
  name: 'ListObjectsV2',
  action: 's3:ListBucket',
  method: 'GET',
  scope: 'bucket',
  query: ['list-type'],
  async handle(context) {
    const { query } = context.request
    if (query.get('list-type') !== '2')
      throw new S3Error('InvalidArgument', 'Invalid List Type specified in Request')
    const token = query.get('continuation-token')
    const startAfter = query.get('start-after') ?? ''
    const { page, common, encode } = await list(
      context,
      token === undefined || token === '' ? startAfter : parseToken(token),
    )
    const last = page.entries.at(-1)
    return {
      status: 200,
      body: document(
        element('ListBucketResult', [
          ...common,
          element('KeyCount', String(page.entries.length)),
          ...(token === undefined ? [] : [element('ContinuationToken', token)]),
          ...(page.truncated && last !== undefined
            ? [element('NextContinuationToken', toToken(nameOf(last)))]
            : []),
          ...(startAfter === '' ? [] : [element('StartAfter', encode(startAfter))]),
          ...entryElements(
            page,
            encode,
            query.get('fetch-owner') === 'true' ? await owners(context) : undefined,
          ),
        ]),
      ),
    }
  },
}

async function list({ services, request, signal }: RequestContext, startAfter: string) {
  const prefix = request.query.get('prefix') ?? ''
  const delimiter = request.query.get('delimiter') ?? ''
  const limit = parseLimit(request, 'max-keys')
  const { type, encode } = parseEncoding(request)
  const wanted = { prefix, delimiter, startAfter, limit }
  const page = await services.backend.listObjects(request.bucket, wanted, signal)
  const common = [
    element('Name', request.bucket),
    element('Prefix', encode(prefix)),
    ...(delimiter === '' ? [] : [element('Delimiter', encode(delimiter))]),
    element('MaxKeys', String(limit)),
    ...(type === undefined ? [] : [element('EncodingType', type)]),
    element('IsTruncated', String(page.truncated)),
  ]
  return { page, common, encode, delimiter }
}

/** Finds the owner of a listed object. */
type Owners = (record: ListedRecord) => Owner

async function owners({ access, request, users }: RequestContext): Promise<Owners> {
  const bucket = await access.bucket(request.bucket)
  return ({ owner = bucket.owner }) => ownerOf(users, owner)
}

function nameOf(entry: ListEntry): string {
  return entry.kind === 'object' ? entry.key : entry.prefix
}

function entryElements(
  { entries }: ObjectPage,
  encode: (text: string) => string,
  owners: Owners | undefined,
): XmlNode[] {
  const objects = entries.flatMap((entry) =>
    entry.kind === 'object' ? [objectElement(entry, encode, owners)] : [],
  )
  return [...objects, ...prefixElements(entries, encode)]
}

function objectElement(
  { key, record }: Extract<ListEntry, { kind: 'object' }>,
  encode: (text: string) => string,
  owners: Owners | undefined,
): XmlNode {
  return element('Contents', [
    element('Key', encode(key)),
    element('LastModified', new Date(record.modifiedAtMs).toISOString()),
    element('ETag', `"${record.etag}"`),
    ...checksumTypeElements(record.checksum),
    element('Size', String(record.size)),
    ...(owners === undefined ? [] : [ownerElement('Owner', owners(record))]),
    element('StorageClass', record.storageClass),
  ])
}
