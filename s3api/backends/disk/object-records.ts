import { RecentlyUsed } from '../../recently-used.ts'
import type { ObjectRecord } from '../backend.ts'
import { frozenRecord } from '../frozen-record.ts'
import { type Row, toObjectRecord } from './rows.ts'

/** Bytes that all of them take together, by {@link costOf}. */
const costMax = 16 * 1024 * 1024

interface Known {
  readonly row: Row
  readonly record: ObjectRecord
}

/** The records of the objects that were read last. As long as a row is what it was, its record is the same object. */
export class ObjectRecords {
  readonly #known = new RecentlyUsed<number, Known>(costMax)

  of(row: Row): ObjectRecord {
    const id = Number(row.id)
    const known = this.#known.get(id)
    if (known !== undefined && isSame(known.row, row)) return known.record
    const record = frozenRecord(toObjectRecord(row))
    this.#known.set(id, { row: columnsOf(row), record }, costOf(row))
    return record
  }
}

/** Without the object's bytes, which may be in the row as well. */
function columnsOf({
  size,
  etag,
  modified_at_ms,
  storage_class,
  owner,
  checksum,
  details,
  envelope,
}: Row): Row {
  return { size, etag, modified_at_ms, storage_class, owner, checksum, details, envelope }
}

/** In all that a record is made of. */
function isSame(a: Row, b: Row): boolean {
  return (
    a.size === b.size &&
    a.etag === b.etag &&
    a.modified_at_ms === b.modified_at_ms &&
    a.storage_class === b.storage_class &&
    a.owner === b.owner &&
    a.checksum === b.checksum &&
    a.details === b.details &&
    isSameBytes(a.envelope, b.envelope)
  )
}

function isSameBytes(a: unknown, b: unknown): boolean {
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b) === 0
  return a === b
}

/** Text twice, as it is and parsed, where an entry of a part table takes a few times the bytes that it has in JSON. */
function costOf({ details, envelope }: Row): number {
  return 1024 + 6 * String(details).length + (envelope instanceof Uint8Array ? envelope.length : 0)
}
