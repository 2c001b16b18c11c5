import * as v from 'valibot'
import { parseBase64, toBase64 } from '../../text.ts'
import { checksumAlgorithms, type PartRecord } from '../backend.ts'

/**
 * What a running upload has to remember of its parts stands in the names of empty objects of the system bucket (FORMAT.md
 * §7.3): a list tells it all, and parts that come through many front-ends at once cannot overwrite each other.
 */

/** A part, and where its bytes are: with the store's upload under an ETag, or parked in the system bucket. */
export interface PlacedPart {
  readonly part: PartRecord
  readonly storedSize: number
  readonly place: { readonly etag: string } | { readonly parkedAs: string }
}

const numberDigits = 5
/** Stores that keep objects as files take no longer elements of a path. */
const elements = /.{1,200}/g
const sizeSchema = v.pipe(v.number(), v.safeInteger(), v.minValue(0))
const schema = v.object({
  size: sizeSchema,
  stored: sizeSchema,
  etag: v.string(),
  at: sizeSchema,
  generation: v.string(),
  checksum: v.optional(
    v.object({
      algorithm: v.picklist(checksumAlgorithms),
      type: v.picklist(['FULL_OBJECT', 'COMPOSITE']),
      value: v.string(),
    }),
  ),
  mac: v.optional(v.string()),
  place: v.union([v.object({ etag: v.string() }), v.object({ parkedAs: v.string() })]),
})

/** `NNNNN/` and the part's facts; names of one upload are in order of part numbers. */
export function toPartName({ part, storedSize, place }: PlacedPart): string {
  const { size, etag, modifiedAtMs: at, generation, checksum, mac } = part
  const facts = {
    size,
    stored: storedSize,
    etag,
    at,
    generation,
    ...(checksum !== undefined && { checksum }),
    ...(mac !== undefined && { mac: toBase64(mac) }),
    place,
  } satisfies v.InferInput<typeof schema>
  const text = Buffer.from(JSON.stringify(facts)).toString('base64url')
  return numberPrefix(part.number) + (text.match(elements) ?? []).join('/')
}

/** Inverse of {@link toPartName}; undefined for names that it has not made. */
export function parsePartName(name: string): PlacedPart | undefined {
  const [, number, split] = /^(\d{5})\/([A-Za-z0-9_/-]+)$/.exec(name) ?? []
  const text = split?.replaceAll('/', '')
  if (number === undefined || text === undefined) return undefined
  try {
    const facts = v.parse(schema, JSON.parse(Buffer.from(text, 'base64url').toString('utf8')))
    const { size, stored, etag, at, generation, checksum, place } = facts
    const mac = facts.mac === undefined ? undefined : parseBase64(facts.mac)
    const part = {
      number: Number(number),
      size,
      etag,
      modifiedAtMs: at,
      generation,
      ...(checksum !== undefined && { checksum }),
      ...(mac !== undefined && { mac }),
    }
    return { part, storedSize: stored, place }
  } catch {
    // Not authentic in any case: the part's MAC decides, and a part without a name is missing.
    return undefined
  }
}

export function numberPrefix(number: number): string {
  return `${String(number).padStart(numberDigits, '0')}/`
}
