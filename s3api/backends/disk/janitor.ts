import type { Logger } from 'pino'
import type { DataFiles } from './data-files.ts'
import { trashGraceMs } from './object-rows.ts'
import type { Reader } from './reader.ts'
import type { Writer } from './writer.ts'

/** Removes the files of objects that are gone, and those that a crash has left without an object. */

const trashPollMs = 10_000
/** Of the file system: with less of it free, nothing waits in the trash for those who may still read it. */
const freeShareMin = 0.1
/** After a write has made trash: soon, and many writes at once. */
const trashDelayMs = 200
const trashPerRound = 1_000
const orphanPollMs = 24 * 60 * 60 * 1000
const orphanDelayMs = 60_000
/** A file that no row names may belong to a write that still goes on; none goes on for so long without a byte, unless the clock jumps. */
export const orphanAgeMinMs = 24 * 60 * 60 * 1000

export class Janitor {
  readonly #files: DataFiles
  readonly #reader: Reader
  readonly #writer: Writer
  readonly #now: () => number
  readonly #log: Logger
  readonly #timers = new Set<NodeJS.Timeout>()
  /** Files that could not be removed: no round stops at them, and each is tried again by the poll. */
  readonly #stuck = new Set<string>()
  /** Those among them that the log has. */
  readonly #told = new Set<string>()
  #wakeTimer: NodeJS.Timeout | undefined
  /** Rounds, one after another. */
  #round: Promise<void> = Promise.resolve()
  #closed = false

  constructor(parts: { files: DataFiles; reader: Reader; writer: Writer; now: () => number; log: Logger }) {
    this.#files = parts.files
    this.#reader = parts.reader
    this.#writer = parts.writer
    this.#now = parts.now
    this.#log = parts.log
    this.#timers.add(setInterval(() => this.#poll(), trashPollMs).unref())
    this.#timers.add(setInterval(() => this.#enqueue(() => this.sweepOrphans()), orphanPollMs).unref())
    this.#timers.add(setTimeout(() => this.#enqueue(() => this.sweepOrphans()), orphanDelayMs).unref())
  }

  /** There may be trash. */
  wake(): void {
    if (this.#closed || this.#wakeTimer !== undefined) return
    this.#wakeTimer = setTimeout(() => {
      this.#wakeTimer = undefined
      this.#enqueue(() => this.emptyTrash())
    }, trashDelayMs).unref()
  }

  /** Removes what is due; all of it where the disk is nearly full. */
  async emptyTrash(): Promise<void> {
    for (;;) {
      if (this.#closed) return
      const scarce = (await this.#files.freeShare()) < freeShareMin
      const nowMs = this.#now()
      // What is due later than any grace from now was put there by a clock that was ahead.
      const waiting = scarce ? { afterMs: 0, untilMs: 0 } : { afterMs: nowMs, untilMs: nowMs + trashGraceMs }
      const due = this.#reader.trashBut(waiting, trashPerRound + this.#stuck.size)
      const files = due.filter((file) => !this.#stuck.has(file))
      if (files.length === 0) return
      const removed: string[] = []
      for (const file of files) if (await this.#remove(file)) removed.push(file)
      if (removed.length > 0) await this.#writer.execute({ type: 'forget-trash', files: removed })
    }
  }

  /** Removes files that no row names and nobody has touched for a day. */
  async sweepOrphans(): Promise<void> {
    let removed = 0
    for await (const file of this.#files.list()) {
      if (this.#closed) return
      if (this.#reader.knowsFile(file)) continue
      const changedAtMs = await this.#files.changedAtMs(file)
      // A day ahead is as far off as a day ago: the clock was set meanwhile.
      if (changedAtMs === undefined || Math.abs(this.#now() - changedAtMs) < orphanAgeMinMs) continue
      // It was named meanwhile, or not at all.
      if (this.#reader.knowsFile(file)) continue
      if (await this.#remove(file)) removed++
    }
    if (removed > 0) this.#log.warn({ files: removed }, 'removed files that unfinished writes had left')
  }

  #poll(): void {
    this.#stuck.clear()
    this.wake()
  }

  /** False for a file that stays; the log says so once. */
  async #remove(file: string): Promise<boolean> {
    try {
      await this.#files.remove(file)
      this.#told.delete(file)
      return true
    } catch (error) {
      this.#stuck.add(file)
      if (!this.#told.has(file)) this.#log.error({ err: error, file }, 'cannot remove a file of the store')
      this.#told.add(file)
      return false
    }
  }

  /** Waits for a round that is under way. */
  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#wakeTimer)
    for (const timer of this.#timers) clearTimeout(timer)
    await this.#round
  }

  #enqueue(round: () => Promise<void>): void {
    this.#round = this.#round.then(round).catch((error: unknown) => {
      this.#log.error({ err: error }, 'cannot clean up the store')
    })
  }
}
