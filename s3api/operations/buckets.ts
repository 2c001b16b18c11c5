import { accessSettings } from '../access/bucket-access.ts'
import { bucketCreationNeeds, wantsObjectLock } from '../access/needs.ts'
import { newBucketSettings } from '../access/new-access.ts'
import { requireUser, type User } from '../access/users.ts'
import { BackendError } from '../backends/backend.ts'
import { lockSettingName } from '../backends/versions.ts'
import { isBucketName } from '../bucket-name.ts'
import { S3Error, type S3ErrorCode } from '../errors.ts'
import { readXml } from '../http/xml-reader.ts'
import { document, element } from '../http/xml-writer.ts'
import type { Operation, RequestContext } from '../operation.ts'
import { bornEncrypted } from '../sse/encrypted-periods.ts'
import { initialLockSetting } from './lock-configuration.ts'

/** The region whose location constraint is empty (S3 API reference, GetBucketLocation). */
const unnamedRegion = 'us-east-1'

export const createBucket: Operation = {
  name: 'CreateBucket',
  action: bucketCreationNeeds,
  method: 'PUT',
  scope: 'bucket',
  async handle(context) {
    const { services, request } = context
    const user = requireUser(context)
    requireBucketName(request.bucket)
    const wanted = newBucketSettings(context, user.id)
    await requireOwnLocation(context)
    try {
      await services.backend.createBucket(request.bucket, {
        owner: user.id,
        ...(wantsObjectLock(request) && { versioning: 'enabled' as const }),
        settings: {
          ...(services.config.autoEncryption && bornEncrypted),
          ...wanted,
          ...(wantsObjectLock(request) && { [lockSettingName]: initialLockSetting }),
        },
      })
    } catch (error) {
      if (!(error instanceof BackendError) || error.code !== 'bucket-exists') throw error
      await requireRepeatable(context, user, wanted)
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

/** Errors: InvalidBucketName. */
function requireBucketName(name: string): void {
  if (isBucketName(name)) return
  throw new S3Error('InvalidBucketName', undefined, { elements: { BucketName: name } })
}

/**
 * In its first region S3 lets an owner create a bucket again, which changes nothing (S3 API reference, CreateBucket); it must
 * not seem to have changed anything either. Errors: BucketAlreadyOwnedByYou, BucketAlreadyExists.
 */
async function requireRepeatable(
  { services, request, access }: RequestContext,
  user: User,
  wanted: Readonly<Record<string, string>>,
): Promise<void> {
  const taken = (code: S3ErrorCode) =>
    new S3Error(code, undefined, { elements: { BucketName: request.bucket } })
  const { owner } = await access.bucket(request.bucket)
  if (owner !== user.id) throw taken('BucketAlreadyExists')
  for (const name of [accessSettings.acl, accessSettings.ownership]) {
    const actual = await services.backend.getBucketSetting(request.bucket, name)
    if (actual !== wanted[name]) throw taken('BucketAlreadyExists')
  }
  if (services.config.region !== unnamedRegion || wantsObjectLock(request))
    throw taken('BucketAlreadyOwnedByYou')
}

/** An empty body, or a LocationConstraint that is empty or our own region (us-east-1 included). */
async function requireOwnLocation({ body, services }: RequestContext): Promise<void> {
  const bytes = await body.readAll()
  if (bytes.length === 0) return
  const location =
    readXml(bytes, 'CreateBucketConfiguration').child('LocationConstraint')?.text().trim() ?? ''
  if (location === '' || location === services.config.region || location === unnamedRegion) return
  throw new S3Error('IllegalLocationConstraintException')
}
