import type { NewAccess } from '../access/new-access.ts'
import type { Bucket, UploadRecord } from '../backends/backend.ts'
import type { ObjectAttributes, Retention } from '../backends/versions.ts'
import { S3Error } from '../errors.ts'
import type { RequestContext, S3Request } from '../operation.ts'
import { defaultRetention, lockConfiguration } from './lock-configuration.ts'
import { noLock, parseLegalHold, parseRetainUntil } from './object-lock.ts'
import { parseTagHeader } from './tags.ts'

/**
 * The attributes that a new version starts with, as the request's headers ask and the bucket's object lock demands.
 * Errors: InvalidTag, InvalidArgument; InvalidRequest for a lock in a bucket without object lock.
 */
export async function newAttributes(
  { services, request }: RequestContext,
  { name, versioning }: Bucket,
  { acl }: NewAccess,
): Promise<ObjectAttributes> {
  const tagging = request.headers.get('x-amz-tagging')
  const tags = tagging === undefined ? [] : parseTagHeader(tagging)
  const asked = parseLock(request, services.now())
  // Only a bucket that keeps versions can have object lock: others need no look-up.
  const lock = versioning === 'enabled' ? await lockConfiguration(services.backend, name) : undefined
  if (lock === undefined && (asked.retention !== undefined || asked.legalHold !== undefined)) throw noLock()
  const retention = asked.retention ?? (lock && defaultRetention(lock, services.now()))
  return {
    ...(tags.length > 0 && { tags }),
    ...(acl !== undefined && { acl }),
    ...(retention !== undefined && { retention }),
    ...(asked.legalHold !== undefined && { legalHold: asked.legalHold }),
  }
}

/** The retention is the bucket's default, and not what the request asks for. */
export function retainsByDefault({ headers }: S3Request, { retention }: ObjectAttributes): boolean {
  return retention !== undefined && !headers.has('x-amz-object-lock-mode')
}

/** What the version of an upload starts with. Where nobody asked for a retention, it is the bucket's default of now. */
export async function completedAttributes(
  { services }: RequestContext,
  { bucket, attributes = {}, retainsByDefault: byDefault }: UploadRecord,
): Promise<ObjectAttributes> {
  const { retention: earlier, ...asked } = attributes
  if (earlier !== undefined && byDefault !== true) return attributes
  const { versioning } = await services.backend.getBucket(bucket)
  const lock = versioning === 'enabled' ? await lockConfiguration(services.backend, bucket) : undefined
  const retention = lock && defaultRetention(lock, services.now())
  return { ...asked, ...(retention !== undefined && { retention }) }
}

function parseLock({ headers }: S3Request, nowMs: number): Pick<ObjectAttributes, 'retention' | 'legalHold'> {
  const hold = headers.get('x-amz-object-lock-legal-hold')
  const legalHold = parseLegalHold(hold)
  if (hold !== undefined && legalHold === undefined) {
    throw new S3Error('InvalidArgument', 'Legal Hold must be either of ON or OFF')
  }
  const retention = parseRetention(headers, nowMs)
  return {
    ...(retention !== undefined && { retention }),
    ...(legalHold !== undefined && { legalHold }),
  }
}

function parseRetention(headers: ReadonlyMap<string, string>, nowMs: number): Retention | undefined {
  const mode = headers.get('x-amz-object-lock-mode')
  const until = headers.get('x-amz-object-lock-retain-until-date')
  if (mode === undefined && until === undefined) return undefined
  if (mode === undefined || until === undefined) {
    throw new S3Error(
      'InvalidArgument',
      'x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied',
    )
  }
  if (mode !== 'GOVERNANCE' && mode !== 'COMPLIANCE') {
    throw new S3Error('InvalidArgument', 'Unknown wormMode directive.')
  }
  return { mode, untilMs: parseRetainUntil(until, nowMs) }
}
