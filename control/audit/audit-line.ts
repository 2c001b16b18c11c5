import { createHash } from 'node:crypto'
import { basename, dirname, join } from 'node:path'

/**
 * A line of the audit (docs/control-plane.md, Audit): a JSON object whose last two members chain it. `previous` is the hash
 * of the line before, `hash` is SHA-256 of the line's own bytes up to the comma before `"hash"`.
 */

/** Where a chain stands: the number of its last line, from 1, and that line's hash. */
export interface ChainEnd {
  readonly sequence: number
  /** 64 hexadecimal digits. */
  readonly hash: string
}

/** Before the first line. */
export const chainStart: ChainEnd = { sequence: 0, hash: '0'.repeat(64) }

const linePattern = /^(\{.*),"hash":"([0-9a-f]{64})"\}$/s
const headPattern = /^\{"sequence":(\d{1,15}),"hash":"([0-9a-f]{64})"\} *\n$/
/** Bytes of a head record: it is written over the one before, in one piece. */
const headSize = 112

/** The line after `end`, its newline included. */
export function toLine(
  fields: object,
  end: ChainEnd,
  time: Date,
): { readonly text: string; readonly end: ChainEnd } {
  const sequence = end.sequence + 1
  const record = JSON.stringify({ sequence, time: time.toISOString(), ...fields, previous: end.hash })
  const body = record.slice(0, -1)
  const hash = hashOf(body)
  return { text: `${body},"hash":"${hash}"}\n`, end: { sequence, hash } }
}

export interface ParsedLine extends ChainEnd {
  readonly previous: string
  /** Set in lines about the audit itself. */
  readonly event: string | undefined
}

/** `undefined` for what is not a line whose hash is right. */
export function parseLine(text: string): ParsedLine | undefined {
  const [, body, hash] = linePattern.exec(text) ?? []
  if (body === undefined || hash === undefined || hashOf(body) !== hash) return undefined
  let record: unknown
  try {
    record = JSON.parse(`${body}}`)
  } catch {
    // Its hash is right, and still it is none of ours.
    return undefined
  }
  if (typeof record !== 'object' || record === null || !('sequence' in record) || !('previous' in record)) {
    return undefined
  }
  const { sequence, previous } = record
  if (typeof sequence !== 'number' || !Number.isSafeInteger(sequence) || typeof previous !== 'string') {
    return undefined
  }
  const event = 'event' in record ? String(record.event) : undefined
  return { sequence, hash, previous, event }
}

export function toHead({ sequence, hash }: ChainEnd): string {
  return `${JSON.stringify({ sequence, hash }).padEnd(headSize - 1)}\n`
}

/** `undefined` for what is not a head record. */
export function parseHead(text: string): ChainEnd | undefined {
  const [, sequence, hash] = headPattern.exec(text) ?? []
  return hash === undefined ? undefined : { sequence: Number(sequence), hash }
}

export const headPath = (path: string): string => `${path}.head`

/** What its one writer locks. Hidden, so that `FILE*` names what `audit verify` takes. */
export const lockPath = (path: string): string => join(dirname(path), `.${basename(path)}.lock`)

/** Of a file that was put away: by the number of its first line, so that names sort as the lines do. */
export const rotatedPath = (path: string, firstSequence: number): string =>
  `${path}.${String(firstSequence).padStart(12, '0')}`

/** The name that the file had before it was put away. */
export const livePath = (path: string): string => path.replace(/\.\d{12,}$/, '')

function hashOf(body: string): string {
  return createHash('sha256').update(body, 'utf8').digest('hex')
}
