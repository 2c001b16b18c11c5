import { S3Error } from '../errors.ts'
import { parseCopySource } from '../object-name.ts'
import type { S3Request } from '../operation.ts'
import type { Authorizer } from './authorizer.ts'

/** Buckets that a client wants to have a certain owner (S3 user guide, "Verifying bucket ownership"). Errors: AccessDenied. */
export async function requireExpectedOwners(access: Authorizer, request: S3Request): Promise<void> {
  const { headers } = request
  const expected = headers.get('x-amz-expected-bucket-owner')
  if (expected !== undefined && request.bucket !== '') await requireOwner(access, request.bucket, expected)
  const ofSource = headers.get('x-amz-source-expected-bucket-owner')
  if (ofSource !== undefined && headers.has('x-amz-copy-source')) {
    await requireOwner(access, parseCopySource(request).bucket, ofSource)
  }
}

async function requireOwner(access: Authorizer, bucket: string, expected: string): Promise<void> {
  if ((await access.bucket(bucket)).owner !== expected) throw new S3Error('AccessDenied')
}
