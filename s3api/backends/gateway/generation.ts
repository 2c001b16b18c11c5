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

export function toStoredObject(found: LookedUp, attributes: ObjectAttributes): StoredObject {
  const { bucket, key, record, versionId } = found
  return {
    bucket,
    key,
    record,
    attributes,
    ...(versionId !== undefined && { versionId: fromUpstreamVersion(versionId) }),
    generation: new Generation(found),
  }
}

export function generationOf({ generation }: StoredObject): LookedUp {
  if (!(generation instanceof Generation)) throw new Error('the object is of another backend')
  return generation.found
}
