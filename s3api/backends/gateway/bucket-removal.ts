import { BackendError } from '../backend.ts'
import type { GatewayParts } from './parts.ts'

const uploadsPerPage = 1000
const everything = { prefix: '', delimiter: '' }

type Parts = Pick<GatewayParts, 'buckets' | 'listing' | 'uploads' | 'uploadStore'>

/** Removes a bucket with its running uploads and what is remembered of them. Errors: those of Backend.deleteBucket. */
export async function removeBucket(bucket: string, parts: Parts): Promise<void> {
  try {
    await parts.buckets.delete(bucket)
  } catch (error) {
    const full = error instanceof BackendError && error.code === 'bucket-not-empty'
    if (!full || !(await endUploads(bucket, parts))) throw error
    await parts.buckets.delete(bucket)
  }
  await parts.uploadStore.forgetAll(bucket)
}

/** For stores whose buckets are kept by running uploads. False: it was not they, which are left alone then. */
async function endUploads(bucket: string, { listing, uploads }: Parts): Promise<boolean> {
  if (await hasVersions(bucket, listing)) return false
  let ended = false
  for (;;) {
    const page = await listing.uploads(bucket, {
      ...everything,
      keyMarker: '',
      uploadIdMarker: '',
      limit: uploadsPerPage,
    })
    for (const entry of page.entries) {
      if (entry.kind === 'upload') await uploads.abort(entry.upload)
    }
    ended ||= page.entries.length > 0
    if (!page.truncated || page.entries.length === 0) return ended
  }
}

/** Delete markers too. */
async function hasVersions(bucket: string, listing: Parts['listing']): Promise<boolean> {
  const one = { ...everything, limit: 1 }
  if ((await listing.objects(bucket, { ...one, startAfter: '' })).entries.length > 0) return true
  try {
    const { entries } = await listing.versions(bucket, { ...one, keyMarker: '', versionIdMarker: '' })
    return entries.length > 0
  } catch (error) {
    // A store without versions.
    if (error instanceof BackendError && error.code === 'not-supported') return false
    throw error
  }
}
