import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { Counter, Gauge, type Registry } from 'prom-client'
import { KmsError } from '../errors.ts'
import type { AuditEntry, AuditTrail } from '../server/gate.ts'
import { AuditFile, AuditFileInTheWay, AuditInUse } from './audit-file.ts'

export interface AuditConfig {
  readonly file: string
  /** A file that would become larger is put away first. */
  readonly fileSizeMax: number
  /** When lines are forced to the disk: before their operation is answered, or within a second after it. */
  readonly sync: 'each' | 'second'
  /** Key operations go on when their lines cannot be written; they are counted then, and missing. */
  readonly optional: boolean
}

/** Entries that wait for the disk; more are refused. */
const waitingMax = 20_000
const retryMs = 1_000
const syncMs = 1_000
/** A control service that ends writes until its last call is answered; its successor waits for that. */
const predecessorMs = 5_000
const predecessorPollMs = 50

interface Waiting {
  /** None: only whether it can be written is to be found out. */
  readonly entries: readonly AuditEntry[]
  readonly resolve: () => void
  readonly reject: (error: KmsError) => void
}

/** How the audit is, for those who ask how control is. */
export interface AuditState {
  readonly file: string
  /** Why it cannot be written; empty when it can. */
  readonly trouble: string
  /** Keys are used without it. */
  readonly optional: boolean
}

/** Writes the lines of all operations that are under way at once, each before its operation is answered. */
export class AuditLog implements AuditTrail {
  readonly #config: AuditConfig
  readonly #log: Logger
  readonly #lines: Counter
  readonly #lost: Counter
  readonly #writable: Gauge
  #file: AuditFile | undefined
  #opened = false
  #waiting: Waiting[] = []
  #waitingCount = 0
  #draining: Promise<void> | undefined
  #retryAtMs = 0
  #syncTimer: NodeJS.Timeout | undefined
  #probeTimer: NodeJS.Timeout | undefined
  #closed = false
  #trouble = ''
  /** Operations whose lines were lost since it was written the last time. */
  #lostCount = 0
  #onChange = () => {}

  constructor(config: AuditConfig, { log, registry }: { readonly log: Logger; readonly registry: Registry }) {
    this.#config = config
    this.#log = log
    const registers = [registry]
    this.#lines = new Counter({ name: 'sealgate_audit_lines_total', help: 'Lines of the audit', registers })
    this.#lost = new Counter({
      name: 'sealgate_audit_lost_total',
      help: 'Key operations whose lines could not be written; they were refused unless the audit is optional',
      registers,
    })
    this.#writable = new Gauge({
      name: 'sealgate_audit_writable',
      help: 'Whether the audit could be written the last time',
      registers,
    })
  }

  /**
   * Goes on with what is there. Errors, unless the audit is optional: KmsError `unavailable` for a file that cannot be opened
   * or written, or that another control service writes.
   */
  async open(): Promise<void> {
    try {
      this.#file = await this.#openFirst()
      this.#writable.set(1)
    } catch (error) {
      if (!this.#config.optional) {
        const reason = error instanceof Error ? error.message : String(error)
        throw new KmsError('unavailable', `the audit cannot be written: ${reason}`, { cause: error })
      }
      await this.#failed(error, [])
    }
    this.#opened = true
  }

  async #openFirst(): Promise<AuditFile> {
    const endMs = performance.now() + predecessorMs
    for (;;) {
      try {
        return await openFile(this.#config, this.#log)
      } catch (error) {
        if (!(error instanceof AuditInUse) || performance.now() > endMs || this.#closed) throw error
      }
      await sleep(predecessorPollMs)
    }
  }

  state(): AuditState {
    return { file: this.#config.file, trouble: this.#trouble, optional: this.#config.optional }
  }

  /** Called after each change of the state. One listener. */
  onChange(listener: () => void): void {
    this.#onChange = listener
  }

  requireWritable(): void {
    if (!this.#opened) throw unwritable(undefined)
    if (this.#file !== undefined || this.#config.optional || performance.now() >= this.#retryAtMs) return
    throw unwritable(undefined)
  }

  append(entries: readonly AuditEntry[]): Promise<void> {
    if (entries.length === 0) return Promise.resolve()
    if (this.#waitingCount >= waitingMax) {
      const message = `${waitingMax} lines of the audit wait for the disk`
      return Promise.reject(new KmsError('unavailable', message, { byControl: true }))
    }
    return this.#enqueue(entries)
  }

  #enqueue(entries: readonly AuditEntry[]): Promise<void> {
    this.#waitingCount += entries.length
    return new Promise((resolve, reject) => {
      this.#waiting.push({ entries, resolve, reject })
      this.#draining ??= this.#drain()
    })
  }

  /** Writes what is left. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#probeTimer)
    await this.#draining
    clearTimeout(this.#syncTimer)
    const file = this.#file
    this.#file = undefined
    if (file === undefined) return
    await file.sync().catch((error: unknown) => this.#log.error({ err: error }, 'the audit cannot be synced'))
    await file.close()
    // A second place, out of reach of who can write the file, from which its end can be told.
    this.#log.info({ ...file.end, file: this.#config.file }, 'the audit ends')
  }

  async #drain(): Promise<void> {
    // What comes in the same turn of the event loop goes into the same write.
    await new Promise((resolve) => setImmediate(resolve))
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0)
      try {
        await this.#write(batch.flatMap(({ entries }) => entries))
        for (const { resolve } of batch) resolve()
      } catch (error) {
        await this.#failed(error, batch)
      }
      for (const { entries } of batch) this.#waitingCount -= entries.length
    }
    this.#draining = undefined
  }

  async #write(entries: readonly AuditEntry[]): Promise<void> {
    if (this.#file === undefined && performance.now() < this.#retryAtMs) throw new Error('tried a moment ago')
    this.#file ??= await openFile(this.#config, this.#log)
    const records = this.#trouble === '' ? entries : [this.#recovery(), ...entries]
    try {
      await this.#file.append(records, new Date())
    } catch (error) {
      // Moved away by a rotation that is not ours, most likely: a new one is begun at once.
      this.#log.warn({ err: error, file: this.#config.file }, 'the audit is opened anew')
      await this.#file.close().finally(() => {
        this.#file = undefined
      })
      this.#file = await openFile(this.#config, this.#log)
      await this.#file.append(records, new Date())
    }
    if (this.#config.sync === 'each') await this.#file.sync()
    else this.#syncTimer ??= setTimeout(() => void this.#syncLater(), syncMs).unref()
    this.#lines.inc(records.length)
    this.#writable.set(1)
    this.#lostCount = 0
    this.#become('')
  }

  /** The first line after trouble says how much is missing before it. */
  #recovery(): { readonly event: string; readonly lost: number } {
    return { event: 'written again', lost: this.#lostCount }
  }

  #become(trouble: string): void {
    if (this.#trouble === trouble) return
    if (trouble === '') this.#log.info({ file: this.#config.file }, 'the audit is written again')
    this.#trouble = trouble
    this.#onChange()
  }

  /** Nobody may call while control is not ready, so that nobody else would find out that it can be written again. */
  #probeLater(): void {
    if (this.#closed) return
    clearTimeout(this.#probeTimer)
    // What comes of it is in the state.
    this.#probeTimer = setTimeout(() => void this.#enqueue([]).catch(() => {}), retryMs).unref()
  }

  async #syncLater(): Promise<void> {
    this.#syncTimer = undefined
    await this.#file?.sync().catch((error: unknown) => this.#failed(error, []))
  }

  async #failed(error: unknown, batch: readonly Waiting[]): Promise<void> {
    const file = this.#file
    if (file !== undefined || performance.now() >= this.#retryAtMs) {
      this.#log.error({ err: error, file: this.#config.file }, 'the audit cannot be written')
      this.#retryAtMs = performance.now() + retryMs
      this.#become(`the audit cannot be written (${codeOf(error)})`)
    }
    this.#probeLater()
    this.#file = undefined
    this.#writable.set(0)
    await file?.close().catch((closeError: unknown) => this.#log.error({ err: closeError }, 'nor be closed'))
    for (const { entries, resolve, reject } of batch) {
      this.#lost.inc(entries.length)
      this.#lostCount += entries.length
      if (this.#config.optional) resolve()
      else reject(unwritable(error))
    }
  }
}

async function openFile({ file: path, fileSizeMax }: AuditConfig, log: Logger): Promise<AuditFile> {
  const file = await AuditFile.open(path, { sizeMax: fileSizeMax })
  try {
    for (const finding of file.findings)
      log.error({ ...finding, file: path }, 'the audit was not left in order')
    if (file.findings.length > 0) await file.append(file.findings, new Date())
    return file
  } catch (error) {
    await file.close()
    throw error
  }
}

function unwritable(cause: unknown): KmsError {
  const message = 'the audit cannot be written, and no key is used without it'
  return new KmsError('unavailable', message, { cause, byControl: true })
}

function codeOf(error: unknown): string {
  if (error instanceof AuditInUse) return 'another control service writes it'
  if (error instanceof AuditFileInTheWay) return error.message
  return error instanceof Error && 'code' in error ? String(error.code) : 'it was changed by somebody else'
}
