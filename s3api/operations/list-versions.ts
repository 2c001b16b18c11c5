import { ownerElement } from '../access/acl-document.ts'
import { type Owner, ownerOf } from '../access/users.ts'
import type { VersionEntry, VersionPage } from '../backends/versions.ts'
import { S3Error } from '../errors.ts'
import { document, element, type XmlNode } from '../http/xml-writer.ts'
import type { Operation } from '../operation.ts'
import { checksumTypeElements } from './digests.ts'
import { parseEncoding, parseLimit, prefixElements } from './listing.ts'

type Version = Exclude<VersionEntry, { kind: 'prefix' }>

export const listObjectVersions: Operation = {
  name: 'ListObjectVersions',
  action: 's3:ListBucketVersions',
  method: 'GET',
  scope: 'bucket',
  query: ['versions'],
  async handle({ services: { backend }, request, users, signal }) {
    const parameter = (name: string) => request.query.get(name) ?? ''
    const limit = parseLimit(request, 'max-keys')
    const { type, encode } = parseEncoding(request)
    const [prefix, delimiter] = [parameter('prefix'), parameter('delimiter')]
    const [keyMarker, versionIdMarker] = [parameter('key-marker'), parameter('version-id-marker')]
    if (keyMarker === '' && versionIdMarker !== '') {
      throw new S3Error('InvalidArgument', 'A version-id marker cannot be specified without a key marker.')
    }
    const { owner } = await backend.getBucket(request.bucket)
    const query = { prefix, delimiter, keyMarker, versionIdMarker, limit }
    const page = await backend.listVersions(request.bucket, query, signal)
    return {
      status: 200,
      body: document(
        element('ListVersionsResult', [
          element('Name', request.bucket),
          element('Prefix', encode(prefix)),
          element('KeyMarker', encode(keyMarker)),
          element('VersionIdMarker', versionIdMarker),
          ...nextMarkers(page, encode),
          ...(delimiter === '' ? [] : [element('Delimiter', encode(delimiter))]),
          element('MaxKeys', String(limit)),
          ...(type === undefined ? [] : [element('EncodingType', type)]),
          element('IsTruncated', String(page.truncated)),
          ...entryElements(page, { encode, owners: (id) => ownerOf(users, id ?? owner) }),
        ]),
      ),
    }
  },
}

function nextMarkers({ entries, truncated }: VersionPage, encode: (text: string) => string): XmlNode[] {
  const last = entries.at(-1)
  if (!truncated || last === undefined) return []
  if (last.kind === 'prefix') return [element('NextKeyMarker', encode(last.prefix))]
  return [element('NextKeyMarker', encode(last.key)), element('NextVersionIdMarker', last.versionId)]
}

function entryElements(
  { entries }: VersionPage,
  options: {
    readonly encode: (text: string) => string
    readonly owners: (id: string | undefined) => Owner
  },
): XmlNode[] {
  const versions = entries.flatMap((entry) =>
    entry.kind === 'prefix' ? [] : [versionElement(entry, options)],
  )
  return [...versions, ...prefixElements(entries, options.encode)]
}

function versionElement(
  version: Version,
  {
    encode,
    owners,
  }: {
    readonly encode: (text: string) => string
    readonly owners: (id: string | undefined) => Owner
  },
): XmlNode {
  const facts = version.kind === 'marker' ? version : version.record
  const shared = [
    element('Key', encode(version.key)),
    element('VersionId', version.versionId),
    element('IsLatest', String(version.latest)),
    element('LastModified', new Date(facts.modifiedAtMs).toISOString()),
    ownerElement('Owner', owners(facts.owner)),
  ]
  if (version.kind === 'marker') return element('DeleteMarker', shared)
  const { etag, size, storageClass, checksum } = version.record
  return element('Version', [
    ...shared,
    element('ETag', `"${etag}"`),
    ...checksumTypeElements(checksum),
    element('Size', String(size)),
    element('StorageClass', storageClass),
  ])
}
