import { BackendError } from '../backends/backend.ts'
import { S3Error } from '../errors.ts'
import { type Authorizer, absences, listingOf, type Need } from './authorizer.ts'

/**
 * Does the work; that an object is not there is told only to those who may list it, others are denied (S3 API reference,
 * GetObject, "Permissions").
 */
export async function hidingAbsence<Result>(
  access: Authorizer,
  needs: readonly Need[],
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    const absent =
      (error instanceof S3Error && error.code === 'NoSuchKey') ||
      (error instanceof BackendError && absences.has(error.code))
    const read = needs.find(({ action }) => action.startsWith('s3:GetObject'))
    if (!absent || read === undefined || (await access.allows(listingOf(read)))) throw error
    throw new S3Error('AccessDenied', undefined, { cause: error })
  }
}
