import { existsSync } from 'node:fs'
import { type FileHandle, open, readFile, rename, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { type FileLock, lockFile } from '../../files/file-lock.ts'
import { syncFolder } from '../../files/folder.ts'
import {
  type ChainEnd,
  chainStart,
  headPath,
  lockPath,
  parseHead,
  parseLine,
  rotatedPath,
  toHead,
  toLine,
} from './audit-line.ts'

/** The files of one audit: the live one, the head record beside it, and those that were put away when they were full. */

const fileMode = 0o600
/** More than the longest line: a context has 16 KiB, each byte of it at most six in JSON. */
const lineSizeMax = 256 * 1024
const newline = 0x0a

/** What was found amiss in what the process before left behind; goes into the chain, where `audit verify` shows it. */
interface Finding {
  readonly event: 'head missing' | 'unfinished line cut' | 'lines missing'
  readonly [detail: string]: string | number
}

/** Another has the file open, a process or this one. */
export class AuditInUse extends Error {
  override readonly name = 'AuditInUse'

  constructor(path: string) {
    super(`${path} is written by another control service: each needs a file of its own`)
  }
}

/** A file that is full cannot be put away: an older one has its name, which is left where the head record was lost. */
export class AuditFileInTheWay extends Error {
  override readonly name = 'AuditFileInTheWay'

  constructor(path: string) {
    super(`${path} is there already and is not overwritten: move it away`)
  }
}

/** Open for one writer, whom a lock makes the only one. After an error it is closed and opened anew, which mends what the error left. */
export class AuditFile {
  readonly findings: readonly Finding[]
  readonly #path: string
  readonly #sizeMax: number
  readonly #lock: FileLock
  readonly #head: FileHandle
  #file: FileHandle
  #end: ChainEnd
  #first: number
  #size: number

  private constructor(parts: {
    path: string
    sizeMax: number
    lock: FileLock
    head: FileHandle
    file: FileHandle
    end: ChainEnd
    first: number
    size: number
    findings: readonly Finding[]
  }) {
    this.#path = parts.path
    this.#sizeMax = parts.sizeMax
    this.#lock = parts.lock
    this.#head = parts.head
    this.#file = parts.file
    this.#end = parts.end
    this.#first = parts.first
    this.#size = parts.size
    this.findings = parts.findings
  }

  /** Goes on where the chain ends. Errors: AuditInUse; those of the file system. */
  static async open(path: string, { sizeMax }: { readonly sizeMax: number }): Promise<AuditFile> {
    const lock = lockFile(lockPath(path))
    if (lock === undefined) throw new AuditInUse(path)
    const opened: FileHandle[] = []
    const keep = (handle: FileHandle) => {
      opened.push(handle)
      return handle
    }
    try {
      const created = await open(headPath(path), 'a+', fileMode)
      await created.close()
      const head = keep(await open(headPath(path), 'r+'))
      const file = keep(await open(path, 'a+', fileMode))
      syncFolder(dirname(path))
      const recorded = parseHead(await readFile(headPath(path), 'utf8'))
      const found = await recover(file, recorded)
      return new AuditFile({ path, sizeMax, lock, head, file, ...found })
    } catch (error) {
      for (const handle of opened) await handle.close()
      lock.release()
      throw error
    }
  }

  get end(): ChainEnd {
    return this.#end
  }

  /**
   * Writes a line for each, in one piece, then the head. Errors: those of the file system; the file is then to be closed
   * and opened anew.
   */
  async append(records: readonly object[], time: Date): Promise<void> {
    await this.#requireUntouched()
    let end = this.#end
    const lines: string[] = []
    for (const record of records) {
      const line = toLine(record, end, time)
      lines.push(line.text)
      end = line.end
    }
    const bytes = Buffer.from(lines.join(''))
    if (this.#size > 0 && this.#size + bytes.length > this.#sizeMax) await this.#rotate()
    await writeFully(this.#file, bytes, null)
    await writeFully(this.#head, Buffer.from(toHead(end)), 0)
    this.#size += bytes.length
    this.#end = end
  }

  /** Resolves when all lines are on the disk. */
  async sync(): Promise<void> {
    await this.#file.datasync()
    await this.#head.datasync()
  }

  async close(): Promise<void> {
    try {
      await this.#file.close()
      await this.#head.close()
    } finally {
      this.#lock.release()
    }
  }

  /** Somebody moved the file away, or wrote to it: then this one is not its only writer. */
  async #requireUntouched(): Promise<void> {
    const [ours, there] = await Promise.all([this.#file.stat(), stat(this.#path)])
    if (ours.ino !== there.ino || ours.dev !== there.dev || there.size !== this.#size) {
      throw new Error(`${this.#path} was changed by somebody else`)
    }
  }

  async #rotate(): Promise<void> {
    await this.sync()
    const put = rotatedPath(this.#path, this.#first)
    // No other control service makes one meanwhile: we have the lock.
    if (existsSync(put)) throw new AuditFileInTheWay(put)
    await rename(this.#path, put)
    const full = this.#file
    this.#file = await open(this.#path, 'ax', fileMode)
    await full.close()
    const directory = await open(dirname(this.#path), 'r')
    await directory.sync().finally(() => directory.close())
    this.#first = this.#end.sequence + 1
    this.#size = 0
  }
}

/** Where the chain goes on, by what the file and the head record say. What is not a whole line at the end is cut off. */
async function recover(file: FileHandle, head: ChainEnd | undefined) {
  const { size } = await file.stat()
  const findings: Finding[] = []
  const tailAt = Math.max(0, size - lineSizeMax)
  const tail = Buffer.alloc(size - tailAt)
  await file.read(tail, 0, tail.length, tailAt)
  const lastNewline = tail.lastIndexOf(newline)
  const whole = tailAt + lastNewline + 1
  if (whole < size) {
    await file.truncate(whole)
    findings.push({ event: 'unfinished line cut', bytes: size - whole })
  }
  const lastText = tail.subarray(
    tail.subarray(0, Math.max(0, lastNewline)).lastIndexOf(newline) + 1,
    lastNewline,
  )
  const last = whole === 0 ? undefined : parseLine(lastText.toString('utf8'))
  const end = last ?? head ?? chainStart
  const behind = head !== undefined && (whole > 0 || size > 0) && !continues(last, head)
  if (behind) findings.push({ event: 'lines missing', expected: head.sequence, found: last?.sequence ?? 0 })
  if (head === undefined && whole > 0) findings.push({ event: 'head missing' })
  const first = whole === 0 ? undefined : await firstSequence(file)
  const from = behind ? head : end
  return {
    findings,
    end: { sequence: from.sequence, hash: from.hash },
    first: first ?? from.sequence + 1,
    size: whole,
  }
}

/** The last line is the head's, or came after it: the head is written second. */
function continues(last: ChainEnd | undefined, head: ChainEnd): boolean {
  if (last === undefined) return false
  return last.sequence === head.sequence ? last.hash === head.hash : last.sequence > head.sequence
}

async function firstSequence(file: FileHandle): Promise<number | undefined> {
  const start = Buffer.alloc(lineSizeMax)
  const { bytesRead } = await file.read(start, 0, start.length, 0)
  const end = start.subarray(0, bytesRead).indexOf(newline)
  return end < 0 ? undefined : parseLine(start.subarray(0, end).toString('utf8'))?.sequence
}

async function writeFully(file: FileHandle, bytes: Uint8Array, position: number | null): Promise<void> {
  let offset = 0
  while (offset < bytes.length) {
    const at = position === null ? null : position + offset
    offset += (await file.write(bytes, offset, bytes.length - offset, at)).bytesWritten
  }
}
