import { bucketCreationNeeds } from '../access/needs.ts'
import { rootOwner, type User } from '../access/users.ts'
import { BackendError } from '../backends/backend.ts'
import { S3Error } from '../errors.ts'
import { readXml } from '../http/xml-reader.ts'
import { document, element } from '../http/xml-writer.ts'
import type { Operation, RequestContext, S3Request } from '../operation.ts'
import { bornEncrypted } from '../sse/encrypted-periods.ts'
import { ownerElement } from './listing.ts'
import { initialLockSetting, lockSettingName } from './lock-configuration.ts'

const documentSizeMax = 64 * 1024
/** The region whose location constraint is empty (S3 API reference, GetBucketLocation). */
const unnamedRegion = 'us-east-1'

export const listBuckets: Operation = {
  name: 'ListBuckets',
  action: 's3:ListAllMyBuckets',
  method: 'GET',
  scope: 'service',
  async handle(context) {
    const { backend } = context.services
    const user = requireUser(context)
    const all = await backend.listBuckets()
    const buckets = all.filter(({ owner = rootOwner.id }) => user.root || owner === user.id)
    return {
      status: 200,
      body: document(
        element('ListAllMyBucketsResult', [
          ownerElement('Owner', user),
          element(
            'Buckets',
            buckets.map(({ name, createdAtMs }) =>
              element('Bucket', [
                element('Name', name),
                element('CreationDate', new Date(createdAtMs).toISOString()),
              ]),
            ),
          ),
        ]),
      ),
    }
  },
}

export const createBucket: Operation = {
  name: 'CreateBucket',
  action: bucketCreationNeeds,
  method: 'PUT',
  scope: 'bucket',
  async handle(context) {
    const { services, request } = context
    const user = requireUser(context)
    requireBucketName(request.bucket)
    refuseUnsupported(context)
    await requireOwnLocation(context)
    try {
      await services.backend.createBucket(request.bucket, {
        owner: user.id,
        ...(wantsLock(request) && { versioning: 'enabled' as const }),
        settings: {
          ...(services.config.autoEncryption && bornEncrypted),
          ...(wantsLock(request) && { [lockSettingName]: initialLockSetting }),
        },
      })
    } catch (error) {
      if (!(error instanceof BackendError) || error.code !== 'bucket-exists') throw error
      const { owner = rootOwner.id } = await services.backend.getBucket(request.bucket)
      // In its first region S3 lets an owner create a bucket again, which changes nothing (S3 API reference, CreateBucket).
      const mayRepeat = owner === user.id && services.config.region === unnamedRegion && !wantsLock(request)
      if (mayRepeat) return { status: 200, headers: { Location: `/${request.bucket}` } }
      throw new S3Error(owner === user.id ? 'BucketAlreadyOwnedByYou' : 'BucketAlreadyExists', undefined, {
        details: { BucketName: request.bucket },
      })
    }
    return { status: 200, headers: { Location: `/${request.bucket}` } }
  },
}

export const headBucket: Operation = {
  name: 'HeadBucket',
  action: 's3:ListBucket',
  method: 'HEAD',
  scope: 'bucket',
  async handle({ services, request }) {
    await services.backend.getBucket(request.bucket)
    return { status: 200, headers: { 'x-amz-bucket-region': services.config.region } }
  },
}

export const deleteBucket: Operation = {
  name: 'DeleteBucket',
  action: 's3:DeleteBucket',
  method: 'DELETE',
  scope: 'bucket',
  async handle({ services, request }) {
    await services.backend.deleteBucket(request.bucket)
    return { status: 204 }
  },
}

export const getBucketLocation: Operation = {
  name: 'GetBucketLocation',
  action: 's3:GetBucketLocation',
  method: 'GET',
  scope: 'bucket',
  query: ['location'],
  async handle({ services, request }) {
    await services.backend.getBucket(request.bucket)
    const { region } = services.config
    return {
      status: 200,
      body: document(element('LocationConstraint', region === unnamedRegion ? '' : region)),
    }
  },
}

/** S3 user guide, "General purpose bucket naming rules". Errors: InvalidBucketName. */
export function requireBucketName(name: string): void {
  const shaped = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name)
  const addressLike = /^\d{1,3}(\.\d{1,3}){3}$/.test(name)
  if (!shaped || addressLike || /\.\.|\.-|-\./.test(name)) {
    throw new S3Error('InvalidBucketName', undefined, { details: { BucketName: name } })
  }
}

/** Nobody owns what nobody made. */
function requireUser({ user }: RequestContext): User {
  if (user === undefined) throw new S3Error('AccessDenied')
  return user
}

function wantsLock({ headers }: S3Request): boolean {
  return headers.get('x-amz-bucket-object-lock-enabled')?.toLowerCase() === 'true'
}

/** A bucket with an ACL for others, or grants would not be what its owner asked for. */
function refuseUnsupported({ request: { headers } }: RequestContext): void {
  const acl = headers.get('x-amz-acl')
  const grants = [...headers.keys()].some((name) => name.startsWith('x-amz-grant-'))
  if (grants || (acl !== undefined && acl !== 'private')) throw new S3Error('NotImplemented')
}

/** An empty body, or a LocationConstraint that is empty or our own region (us-east-1 included). */
async function requireOwnLocation({ body, services }: RequestContext): Promise<void> {
  const bytes = await body.readAll(documentSizeMax)
  if (bytes.length === 0) return
  const location =
    readXml(bytes, 'CreateBucketConfiguration').child('LocationConstraint')?.text().trim() ?? ''
  if (location === '' || location === services.config.region || location === unnamedRegion) return
  throw new S3Error('IllegalLocationConstraintException')
}
