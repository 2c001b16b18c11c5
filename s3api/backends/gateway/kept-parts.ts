import { BackendError, type UploadRecord } from '../backend.ts'
import { unquoted } from './native-headers.ts'
import type { PlacedPart } from './part-names.ts'
import { partsSizeMax } from './store-limits.ts'
import type { Upstream } from './upstream.ts'
import { asBackend } from './upstream-error.ts'
import { XmlList } from './xml-list.ts'

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
  const etags = await storesEtags(upstream, upload, unsure)
  return sent.flatMap((candidates) => {
    const newest = candidates.at(-1)
    if (newest === undefined) return []
    const etag = etags.get(newest.part.number)
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

/** By number, of those that are asked for, in order; nothing where the upload has ended. */
async function storesEtags(
  upstream: Upstream,
  { bucket, key, uploadId }: UploadRecord,
  numbers: readonly number[],
): Promise<ReadonlyMap<number, string>> {
  const etags = new Map<number, string>()
  const [first, last] = [numbers[0], numbers.at(-1)]
  if (first === undefined || last === undefined) return etags
  for (let after = first - 1; ; ) {
    const query = { uploadId, ...(after > 0 && { 'part-number-marker': String(after) }) }
    const request = { method: 'GET', bucket, key, query, repeatable: true } as const
    const answer = await asBackend(() => upstream.fetch(request, partsSizeMax), 'no-such-upload').catch(
      (error: unknown) => {
        const ended = error instanceof BackendError && /^no-such-(upload|key)$/.test(error.code)
        if (ended) return undefined
        throw error
      },
    )
    if (answer === undefined) return etags
    const list = new XmlList(answer.bytes, 'ListPartsResult')
    const seen = list.entries('Part')
    for (const part of seen) {
      after = part.number('PartNumber')
      if (numbers.includes(after)) etags.set(after, unquoted(part.text('ETag')))
    }
    if (seen.length === 0 || after >= last || !list.flag('IsTruncated')) return etags
  }
}
