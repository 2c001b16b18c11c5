import type { Backend } from '../../s3api/backends/backend.ts'
import { bucketContract } from './backend/buckets.ts'
import { concurrencyContract } from './backend/concurrency.ts'
import { conditionContract } from './backend/conditions.ts'
import { copyContract } from './backend/copies.ts'
import { failureContract } from './backend/failures.ts'
import type { StoreLimits } from './backend/limits.ts'
import { listingContract } from './backend/listing.ts'
import { objectContract } from './backend/objects.ts'
import { partContract } from './backend/parts.ts'
import { uploadContract } from './backend/uploads.ts'

/** A backend under test, on a store of its own that is empty. */
export interface BackendUnderTest {
  readonly backend: Backend
  /** Of a foreign store below it. */
  readonly limits?: StoreLimits
  /** A further instance on the same store, as another process would have it. Closed with `close`. */
  another(): Promise<Backend>
  /** Ends all instances and opens the store anew. */
  reopen(): Promise<Backend>
  /** What the store keeps of data that no object and no part refers to, once it has tidied up; for people to read. */
  garbage(): Promise<readonly string[]>
  /** Ends all instances and removes the store. */
  close(): Promise<void>
}

export interface BackendContractOptions {
  open(): Promise<BackendUnderTest>
  /** Of two completions of one upload at once the second is told that there is no such upload; else it may be told what the first is. */
  readonly completesOnce?: boolean
  /**
   * A store whose n-th write below the backend, counted from 1 after opening, fails once, as a full disk or a lost connection
   * would make it fail; `failed` tells whether it came to that. `reopen` gives an instance that works. Absent: what it would
   * show is shown elsewhere.
   */
  openFailing?(nth: number): Promise<BackendUnderTest & { failed(): boolean }>
}

/** What every backend promises, `s3api/backends/backend.ts`. */
export function backendContract(name: string, options: BackendContractOptions): void {
  const open = () => options.open()
  bucketContract(name, open)
  objectContract(name, open)
  conditionContract(name, open)
  copyContract(name, open)
  listingContract(name, open)
  uploadContract(name, open)
  partContract(name, open)
  concurrencyContract(name, open, options)
  const { openFailing } = options
  if (openFailing !== undefined) failureContract(name, openFailing)
}
