import { createReadStream } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import {
  type ChainEnd,
  chainStart,
  headPath,
  livePath,
  type ParsedLine,
  parseHead,
  parseLine,
} from './audit-line.ts'

/** The chain is broken: where, and by what. */
export class AuditDamage extends Error {
  override readonly name = 'AuditDamage'
  /** Line of the file, from 1; 0 where the file as a whole is meant. */
  constructor(file: string, line: number, message: string) {
    super(line === 0 ? `${file}: ${message}` : `${file}, line ${line}: ${message}`)
  }
}

export interface VerifiedAudit {
  readonly first: number
  readonly end: ChainEnd
  /** What is in order and still to be known. */
  readonly notes: readonly string[]
}

/**
 * Goes through the files of one audit, in whatever order they are given, from the line `from` on. Finds a line that was
 * changed, left out, moved or cut off, the last ones by the head record. Errors: AuditDamage; those of reading.
 */
export async function verifyAudit(
  paths: readonly string[],
  { from = 1 }: { readonly from?: number } = {},
): Promise<VerifiedAudit> {
  const files = await inOrder(paths.filter((path) => !path.endsWith('.head')))
  const last = files.at(-1)
  if (last === undefined) throw new Error('there is no audit file among those')
  const head = await readHead(headPath(livePath(last)))
  const notes: string[] = []
  const chain = new Chain(from, head)
  for (const file of files) {
    let number = 0
    for await (const { text, complete } of linesOf(file)) {
      number++
      if (!complete) {
        if (chain.reachesHead) notes.push(`${file} ends with a line that was never finished`)
        else throw new AuditDamage(file, number, 'is cut off')
        continue
      }
      const line = parseLine(text)
      if (line === undefined) throw new AuditDamage(file, number, 'was changed: its hash is not right')
      const fault = chain.add(line)
      if (fault !== undefined) throw new AuditDamage(file, number, fault)
      if (line.event !== undefined) notes.push(`${file}, line ${number}: ${line.event}`)
    }
  }
  if (head === undefined)
    notes.push(`there is no ${headPath(livePath(last))}: lines at the end may be missing`)
  else if (livePath(last) !== last && head.sequence > chain.end.sequence) {
    notes.push(`the audit goes on to line ${head.sequence} in files that were not given`)
  } else if (!chain.reachesHead) {
    const missing = `${chain.end.sequence + 1} to ${head.sequence}`
    throw new AuditDamage(last, 0, `lines ${missing} at its end are missing`)
  }
  return { first: from, end: chain.end, notes }
}

class Chain {
  readonly #head: ChainEnd | undefined
  #end: ChainEnd
  #known: boolean

  constructor(from: number, head: ChainEnd | undefined) {
    this.#head = head
    this.#end = { sequence: from - 1, hash: chainStart.hash }
    // What came before another line than the first is not to be known.
    this.#known = from === 1
  }

  get end(): ChainEnd {
    return this.#end
  }

  get reachesHead(): boolean {
    return this.#head !== undefined && this.#end.sequence >= this.#head.sequence
  }

  /** What is wrong with it. */
  add({ sequence, hash, previous }: ParsedLine): string | undefined {
    const expected = this.#end.sequence + 1
    if (sequence > expected) return `is number ${sequence}: ${span(expected, sequence - 1)} missing before it`
    if (sequence < expected) return `is number ${sequence}, out of its place: ${expected} belongs here`
    if (this.#known && previous !== this.#end.hash) return 'does not follow from the line before it'
    if (sequence === this.#head?.sequence && hash !== this.#head.hash)
      return 'is not the line of the head record'
    this.#end = { sequence, hash }
    this.#known = true
    return undefined
  }
}

function span(first: number, last: number): string {
  return first === last ? `number ${first} is` : `numbers ${first} to ${last} are`
}

/** By their first lines. A file whose first line cannot be read is damaged. */
async function inOrder(paths: readonly string[]): Promise<readonly string[]> {
  const found: { readonly path: string; readonly sequence: number }[] = []
  for (const path of paths) {
    // What the system says of reading one does not name it.
    if ((await stat(path)).isDirectory()) throw new Error(`${path} is a folder: name the files of the audit`)
    for await (const { text } of linesOf(path)) {
      const line = parseLine(text)
      if (line === undefined) throw new AuditDamage(path, 1, 'was changed: its hash is not right')
      found.push({ path, sequence: line.sequence })
      break
    }
  }
  // A live file that is empty, because it has just been made, comes last.
  const empty = paths.filter((path) => !found.some((each) => each.path === path))
  return [...found.sort((a, b) => a.sequence - b.sequence).map(({ path }) => path), ...empty]
}

async function readHead(path: string): Promise<ChainEnd | undefined> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
  const head = parseHead(text)
  if (head === undefined) throw new AuditDamage(path, 0, 'is no head record')
  return head
}

/** JSON has no newline of its own, whatever a context holds; other line separators it may have. */
async function* linesOf(path: string): AsyncGenerator<{ readonly text: string; readonly complete: boolean }> {
  let rest: Buffer = Buffer.alloc(0)
  for await (const part of createReadStream(path)) {
    // Without an encoding a file stream gives Buffers.
    const bytes = Buffer.concat([rest, part as Buffer])
    let start = 0
    for (let end = bytes.indexOf(0x0a); end >= 0; end = bytes.indexOf(0x0a, start)) {
      yield { text: bytes.toString('utf8', start, end), complete: true }
      start = end + 1
    }
    rest = bytes.subarray(start)
  }
  if (rest.length > 0) yield { text: rest.toString('utf8'), complete: false }
}
