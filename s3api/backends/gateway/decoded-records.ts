import { RecentlyUsed } from '../../recently-used.ts'
import { frozenRecord } from '../frozen-record.ts'
import { decodeRecord, type NamedRecord } from './stored-record.ts'

/** Bytes that all of them take together, by {@link costOf}. */
const costMax = 16 * 1024 * 1024

/**
 * The records that were read last, by the bytes that they were decoded from. The same bytes give the same object, and nobody can
 * change it: what has been found out of it once stays true.
 */
export class DecodedRecords {
  readonly #known = new RecentlyUsed<string, NamedRecord>(costMax)

  /** Errors: those of {@link decodeRecord}. */
  decode(json: Uint8Array): NamedRecord {
    const bytes = Buffer.from(json.buffer, json.byteOffset, json.length).toString('latin1')
    const known = this.#known.get(bytes)
    if (known !== undefined) return known
    const { bucket, key, record } = decodeRecord(json)
    const named = { bucket, key, record: frozenRecord(record) }
    this.#known.set(bytes, named, costOf(bytes))
    return named
  }
}

/** Decoded, an entry of a part table takes a few times the bytes that it has in JSON. */
function costOf(bytes: string): number {
  return 1024 + 6 * bytes.length
}
