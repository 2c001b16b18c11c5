import { hash, timingSafeEqual } from 'node:crypto'
import { DareError, takeRandom } from '../../engine/index.ts'
import type { ObjectRecord } from '../backends/backend.ts'

/**
 * Ids of versions (FORMAT.md §4.5). That of an encrypted version commits to its envelope, which commits to everything else:
 * a store that gives another version, or plaintext, for the id that a client asks for is found out. Which version is the
 * newest is the store's word: it can hide new versions, and bring back old ones, as it can for objects without versions.
 */

const idSize = 24
const label = Buffer.from('sealgate/version/1', 'ascii')
/** Ids that a store gives, and those of plain versions, have another form. */
const committed = /^E[A-Za-z0-9_-]{32}$/

/** The id for a new version with that record. */
export function newVersionId({ envelope }: ObjectRecord): string {
  return envelope === undefined ? Buffer.from(takeRandom(idSize)).toString('base64url') : commitment(envelope)
}

/** Throws DareError `tag-mismatch` unless the record can be that of the version which was asked for. */
export function verifyVersionId(versionId: string, { envelope }: ObjectRecord): void {
  if (!committed.test(versionId)) return
  const expected = envelope === undefined ? '' : commitment(envelope)
  const [given, found] = [Buffer.from(versionId), Buffer.from(expected)]
  if (given.length === found.length && timingSafeEqual(given, found)) return
  throw new DareError('tag-mismatch', 'the store gave another version of the object')
}

function commitment(envelope: Uint8Array): string {
  const digest = hash('sha256', Buffer.concat([label, envelope]), 'buffer')
  return `E${digest.subarray(0, idSize).toString('base64url')}`
}
