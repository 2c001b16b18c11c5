import type { UploadRecord } from '../backend.ts'
import type { PlacedPart } from './part-names.ts'
import { storesParts } from './stores-parts.ts'
import type { Upstream } from './upstream.ts'

/**
 * Of each part that was `sent`, the newest last, the one that is kept. Of a part that was sent twice to the store's upload that is
 * the one whose bytes came last, which only the store knows: their times were taken before. Errors: BackendError unavailable.
 */
export async function keptParts(
  upstream: Upstream,
  upload: UploadRecord,
  sent: readonly (readonly PlacedPart[])[],
): Promise<readonly PlacedPart[]> {
  const unsure = sent.filter(isUnsure).flatMap(([first]) => (first === undefined ? [] : [first.part.number]))
  const stores = await storesParts(upstream, upload, unsure)
  return sent.flatMap((candidates) => {
    const newest = candidates.at(-1)
    if (newest === undefined) return []
    const etag = stores.get(newest.part.number)?.etag
    const stored = candidates.findLast(({ place }) => 'etag' in place && place.etag === etag)
    return [stored ?? newest]
  })
}

/** A newest part that is parked is there under a name of its own, whatever was sent before it. */
function isUnsure(candidates: readonly PlacedPart[]): boolean {
  const newest = candidates.at(-1)
  if (newest === undefined || !('etag' in newest.place)) return false
  const { etag } = newest.place
  return candidates.some(({ place }) => 'etag' in place && place.etag !== etag)
}
