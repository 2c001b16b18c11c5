import { ownerElement } from '../access/acl-document.ts'
import { requireUser, rootOwner } from '../access/users.ts'
import type { Bucket } from '../backends/backend.ts'
import { S3Error } from '../errors.ts'
import { document, element, type XmlNode } from '../http/xml-writer.ts'
import type { Operation, S3Request, Services } from '../operation.ts'
import { parseDecimal } from '../text.ts'
import { parseToken, toToken } from './listing.ts'

/** As on AWS. */
const bucketLimitMax = 10_000

/** The user's own buckets, and those that the user's own policy lets list; to the root user all. */
export const listBuckets: Operation = {
  name: 'ListBuckets',
  action: 's3:ListAllMyBuckets',
  method: 'GET',
  scope: 'service',
  async handle(context) {
    const { services, request, access } = context
    const user = requireUser(context)
    const { query } = request
    const prefix = query.get('prefix') ?? ''
    const { buckets, next } = page(await services.backend.listBuckets(), {
      limit: parseBucketLimit(query.get('max-buckets')),
      after: parseStart(query.get('continuation-token')),
      wanted: ({ name, owner = rootOwner.id }) =>
        name.startsWith(prefix) &&
        regionMatches(request, services) &&
        (user.root ||
          owner === user.id ||
          access.ownPolicyAllows({ action: 's3:ListBucket', bucket: name, key: '' })),
    })
    return {
      status: 200,
      body: document(
        element('ListAllMyBucketsResult', [
          ownerElement('Owner', user),
          element('Buckets', buckets.map(bucketElement)),
          ...(next === undefined ? [] : [element('ContinuationToken', toToken(next))]),
          ...(prefix === '' ? [] : [element('Prefix', prefix)]),
        ]),
      ),
    }
  },
}

function regionMatches({ query }: S3Request, { config }: Services): boolean {
  const region = query.get('bucket-region') ?? ''
  return region === '' || region === config.region
}

function bucketElement({ name, createdAtMs }: Bucket): XmlNode {
  return element('Bucket', [
    element('Name', name),
    element('CreationDate', new Date(createdAtMs).toISOString()),
  ])
}

/** Buckets behind `after`, at most `limit`; `next`: where to go on, if there are more. */
function page(
  all: readonly Bucket[],
  {
    limit,
    after,
    wanted,
  }: { readonly limit: number; readonly after: string; readonly wanted: (bucket: Bucket) => boolean },
): { readonly buckets: readonly Bucket[]; readonly next: string | undefined } {
  // Names are ASCII, so that the order of UTF-16 units is that of bytes.
  const found = all.filter((bucket) => bucket.name > after && wanted(bucket))
  const buckets = found.slice(0, limit)
  return { buckets, next: found.length > limit ? buckets.at(-1)?.name : undefined }
}

/** Errors: InvalidArgument. */
function parseBucketLimit(text: string | undefined): number {
  if (text === undefined || text === '') return bucketLimitMax
  const limit = parseDecimal(text)
  if (limit !== undefined && limit >= 1 && limit <= bucketLimitMax) return limit
  throw new S3Error('InvalidArgument', `max-buckets must be from 1 to ${bucketLimitMax}`, {
    elements: { ArgumentName: 'max-buckets', ArgumentValue: text },
  })
}

function parseStart(token: string | undefined): string {
  return token === undefined || token === '' ? '' : parseToken(token)
}
