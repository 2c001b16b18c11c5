import type { StoredObject } from '../backend.ts'
import type { ObjectAttributes } from '../versions.ts'
import type { LookedUp } from './lookup.ts'
import { fromUpstreamVersion } from './version-ids.ts'

/** What StoredObject.generation is here. */
class Generation {
  readonly found: LookedUp
  constructor(found: LookedUp) {
    this.found = found
  }
}

/** Under the key that clients know, which need not be the one in the store. */
export function toStoredObject(found: LookedUp, key: string, attributes: ObjectAttributes): StoredObject {
  const { bucket, record, versionId, size, dataSize, tail, etag } = found
  const inTail = tail.length === size && record.parts === undefined
  return {
    bucket,
    key,
    record,
    attributes,
    storeEtag: etag,
    generation: new Generation(found),
    ...(versionId !== undefined && { versionId: fromUpstreamVersion(versionId) }),
    ...(inTail && { body: tail.subarray(0, dataSize) }),
  }
}

export function generationOf({ generation }: StoredObject): LookedUp {
  if (!(generation instanceof Generation)) throw new Error('the object is of another backend')
  return generation.found
}
