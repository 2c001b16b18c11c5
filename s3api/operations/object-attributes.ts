import { needsOfAction } from '../access/needs.ts'
import type { ObjectRecord } from '../backends/backend.ts'
import { S3Error } from '../errors.ts'
import { document, element, type XmlNode } from '../http/xml-writer.ts'
import type { Operation, S3Request } from '../operation.ts'
import { customerKeyOf } from '../sse/decision.ts'
import { refuseEncryptionHeaders } from '../sse/headers.ts'
import { parseDecimal } from '../text.ts'
import { checkReadConditions } from './conditions.ts'
import { checksumElements, checksumValueElements } from './digests.ts'
import { listLimitMax } from './listing.ts'
import { openObject } from './object-data.ts'
import { objectNameOf, versionHeaders } from './version-parameter.ts'

type Attribute = 'ETag' | 'Checksum' | 'ObjectParts' | 'StorageClass' | 'ObjectSize'

/** Which parts are asked for: at most `limit` behind the number `after`. */
interface PartPage {
  readonly limit: number
  readonly after: number
}

/** What of an object a client can ask for, each as the document has it; in the document's order. */
const attributes: Readonly<Record<Attribute, (record: ObjectRecord, page: PartPage) => XmlNode[]>> = {
  ETag: ({ etag }) => [element('ETag', etag)],
  Checksum: ({ checksum }) =>
    checksum === undefined ? [] : [element('Checksum', checksumElements(checksum))],
  ObjectParts: partsElements,
  StorageClass: ({ storageClass }) => [element('StorageClass', storageClass)],
  ObjectSize: ({ size }) => [element('ObjectSize', String(size))],
}

export const getObjectAttributes: Operation = {
  name: 'GetObjectAttributes',
  action: (request) => [
    ...needsOfAction('s3:GetObject', request),
    ...needsOfAction('s3:GetObjectAttributes', request),
  ],
  method: 'GET',
  scope: 'object',
  query: ['attributes'],
  versions: true,
  async handle(context) {
    const { request } = context
    const wanted = parseWanted(request)
    const page = parsePage(request)
    refuseEncryptionHeaders(request.headers)
    const { stored, record, encryption } = await openObject(
      context,
      objectNameOf(request),
      customerKeyOf(context),
    )
    encryption?.objectKey.fill(0)
    const headers = {
      'Last-Modified': new Date(record.modifiedAtMs).toUTCString(),
      ...versionHeaders(stored),
    }
    const { storeEtag } = stored
    if (checkReadConditions(request, record, { storeEtag }) === 'not-modified')
      return { status: 304, headers }
    const shown = Object.entries(attributes).flatMap(([name, show]) =>
      wanted.has(name) ? show(record, page) : [],
    )
    return { status: 200, headers, body: document(element('GetObjectAttributesResponse', shown)) }
  },
}

/** Errors: InvalidArgument. */
function parseWanted({ headers }: S3Request): ReadonlySet<string> {
  const names = (headers.get('x-amz-object-attributes') ?? '').split(',').map((name) => name.trim())
  if (names.every((name) => Object.hasOwn(attributes, name))) return new Set(names)
  throw new S3Error('InvalidArgument', 'Invalid attribute name specified.', {
    elements: { ArgumentName: 'x-amz-object-attributes' },
  })
}

/** One page of the part table; an object that was not uploaded in parts has none. */
function partsElements({ parts }: ObjectRecord, { limit, after }: PartPage): XmlNode[] {
  if (parts === undefined) return []
  const following = parts.filter(({ number }) => number > after)
  const page = following.slice(0, limit)
  return [
    element('ObjectParts', [
      element('PartsCount', String(parts.length)),
      element('PartNumberMarker', String(after)),
      element('NextPartNumberMarker', String(page.at(-1)?.number ?? 0)),
      element('MaxParts', String(limit)),
      element('IsTruncated', String(following.length > page.length)),
      ...page.map(({ number, size, checksum }) =>
        element('Part', [
          element('PartNumber', String(number)),
          element('Size', String(size)),
          ...checksumValueElements(checksum),
        ]),
      ),
    ]),
  ]
}

/** Errors: InvalidArgument, whether or not the object has parts. */
function parsePage(request: S3Request): PartPage {
  return {
    limit: Math.min(parseCount(request, 'x-amz-max-parts') ?? listLimitMax, listLimitMax),
    after: parseCount(request, 'x-amz-part-number-marker') ?? 0,
  }
}

function parseCount({ headers }: S3Request, name: string): number | undefined {
  const text = headers.get(name)
  if (text === undefined) return undefined
  const value = parseDecimal(text)
  if (value !== undefined) return value
  throw new S3Error('InvalidArgument', `${name} must be an integer of 0 or more`, {
    elements: { ArgumentName: name, ArgumentValue: text },
  })
}
