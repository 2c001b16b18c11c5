import type { ObjectRecord } from './records.ts'

/**
 * The record, which nobody can change any more. Whoever is given the same one again knows that all of it is as it was, but for the
 * bytes of its envelope.
 */
export function frozenRecord(record: ObjectRecord): ObjectRecord {
  const { headers, metadata, checksum, parts } = record
  for (const member of [headers, metadata, checksum, parts]) Object.freeze(member)
  for (const part of parts ?? []) {
    Object.freeze(part.checksum)
    Object.freeze(part)
  }
  return Object.freeze(record)
}
