import { type Backend, BackendError } from '../backend.ts'
import type { Deletion, VersioningState } from '../versions.ts'
import type { Lookup } from './lookup.ts'
import { answerSizeMax } from './store-limits.ts'
import type { Upstream } from './upstream.ts'
import { asBackend } from './upstream-error.ts'
import { fromUpstreamVersion, toUpstreamVersion } from './version-ids.ts'
import { requireCondition } from './writing.ts'

type Removal = Parameters<Backend['deleteObject']>[0]

/** Up to a hundred at a time come of one request: look-ups must not wait for them. */
const asking = { use: 'removing' } as const

/** Deletes objects and versions. */
export class ObjectRemover {
  readonly #upstream: Upstream
  readonly #lookup: Lookup

  constructor(upstream: Upstream, lookup: Lookup) {
    this.#upstream = upstream
    this.#lookup = lookup
  }

  /** `versioning`: of the bucket. Errors: those of Backend.deleteObject. */
  async remove(removal: Removal, versioning: VersioningState): Promise<Deletion> {
    const { bucket, key, versionId, condition, bypassGovernance } = removal
    const named = versionId === undefined || versioning === 'unversioned' ? {} : { versionId }
    const conditions = await this.#conditionHeaders(removal)
    if (conditions === undefined) return { ...named, deleteMarker: false }
    const { headers } = await asBackend(
      () =>
        this.#upstream.fetch(
          {
            method: 'DELETE',
            bucket,
            key,
            query: versionId === undefined ? {} : { versionId: toUpstreamVersion(versionId) },
            headers: {
              ...conditions,
              ...(bypassGovernance === true && { 'x-amz-bypass-governance-retention': 'true' }),
            },
            ...asking,
            // With versioning enabled every delete makes a marker; and what a condition speaks of is gone the second time.
            repeatable: versionId !== undefined || (versioning !== 'enabled' && condition === undefined),
          },
          answerSizeMax,
        ),
      'no-such-bucket',
    )
    const id = headers['x-amz-version-id']
    return {
      ...(id === undefined ? named : { versionId: fromUpstreamVersion(id) }),
      deleteMarker: headers['x-amz-delete-marker'] === 'true',
    }
  }

  /** The condition in terms of the store's own ETag; undefined: there is nothing to delete. Errors: precondition-failed. */
  async #conditionHeaders({ bucket, key, versionId, condition }: Removal) {
    if (condition === undefined) return {}
    try {
      const found = await this.#lookup.object({ bucket, key, versionId, tail: 'record', ...asking })
      requireCondition(condition, found)
      return { 'if-match': `"${found.etag}"` }
    } catch (error) {
      if (!(error instanceof BackendError)) throw error
      if (error.marker !== undefined) {
        const { ifMatch = '*', ifSize = 0, ifModifiedAt } = condition
        if (ifMatch === '*' && ifSize === 0 && ifModifiedAt === undefined) return {}
        throw new BackendError('precondition-failed', 'a delete marker is no object', { cause: error })
      }
      if (error.code === 'no-such-key' || error.code === 'no-such-version') return undefined
      throw error
    }
  }
}
