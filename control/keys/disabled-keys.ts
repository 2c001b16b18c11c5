import { readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Logger } from 'pino'
import { syncFolder } from '../../files/folder.ts'
import { KmsError } from '../errors.ts'
import type { Clock } from '../session/session-clock.ts'

/**
 * Master keys that an operator has switched off, whatever the KMS thinks of them. With a file they stay off over a restart;
 * several control services may share it, and it may be edited by hand: `{"disabled":["key-id"]}`.
 */

/**
 * How soon a change of the file is seen: a disabled key has to stop within a second on every front-end, and what is seen here
 * is told to all of them in the same turn.
 */
export const disabledKeysPollMs = 250
const fileMode = 0o600

export class DisabledKeys {
  readonly #file: string | undefined
  readonly #log: Logger
  readonly #onChange: () => void
  readonly #clock: Clock
  #keyIds: ReadonlySet<string>
  /** Those of them that could not be written down: whatever the file says, they stay off. */
  readonly #unwritten = new Set<string>()
  #seen = ''
  #cancelPoll = () => {}

  /** Errors: KmsError `internal` for a file that cannot be understood: no key is used that may be off. */
  constructor({
    file,
    log,
    clock,
    onChange,
  }: {
    readonly file: string | undefined
    readonly log: Logger
    readonly clock: Clock
    readonly onChange: () => void
  }) {
    this.#file = file
    this.#log = log
    this.#clock = clock
    this.#onChange = onChange
    this.#seen = this.#stamp()
    this.#keyIds = this.#read()
    if (file !== undefined) this.#pollLater()
  }

  get keyIds(): readonly string[] {
    return [...this.#keyIds]
  }

  /** Throws KmsError `access-denied` for a key that is switched off. */
  require(keyId: string): void {
    if (this.#keyIds.has(keyId)) throw new KmsError('access-denied', `key ${keyId} is disabled`)
  }

  /** At once, whether or not that can be written down. Returns whether it outlives this process. */
  disable(keyId: string): boolean {
    this.#unwritten.add(keyId)
    this.#take(this.#keyIds)
    try {
      const keyIds = this.#current()
      this.#write(keyIds)
      this.#take(keyIds)
      return this.#file !== undefined
    } catch (error) {
      this.#log.error({ err: error, keyId }, 'the key is disabled, but only until control is started again')
      return false
    }
  }

  /**
   * Returns whether that outlives this process. Errors: KmsError `not-configured` where the file cannot be written, `internal`
   * where it cannot be read; then nothing has changed.
   */
  enable(keyId: string): boolean {
    const keyIds = this.#current()
    keyIds.delete(keyId)
    this.#write(keyIds)
    this.#take(keyIds)
    return this.#file !== undefined
  }

  close(): void {
    this.#cancelPoll()
  }

  #pollLater(): void {
    this.#cancelPoll = this.#clock.after(disabledKeysPollMs, () => {
      this.#poll()
      this.#pollLater()
    })
  }

  #poll(): void {
    const stamp = this.#stampOrError()
    if (stamp === this.#seen) return
    this.#seen = stamp
    if (stamp === '') {
      this.#log.error('the list of disabled keys is gone; the last one stays in force')
      return
    }
    try {
      this.#take(this.#read())
    } catch (error) {
      this.#log.error({ err: error }, 'the list of disabled keys cannot be read; the last one stays in force')
    }
  }

  /** A folder that cannot be searched any more is a change, too. */
  #stampOrError(): string {
    try {
      return this.#stamp()
    } catch (error) {
      return String(error)
    }
  }

  #take(read: ReadonlySet<string>): void {
    const keyIds = new Set([...read, ...this.#unwritten])
    const changed = keyIds.size !== this.#keyIds.size || [...keyIds].some((keyId) => !this.#keyIds.has(keyId))
    this.#keyIds = keyIds
    if (!changed) return
    this.#log.warn({ disabled: this.keyIds }, 'the list of disabled keys has changed')
    this.#onChange()
  }

  /** Changes when the file does. */
  #stamp(): string {
    if (this.#file === undefined) return ''
    const stats = statSync(this.#file, { throwIfNoEntry: false, bigint: true })
    return stats === undefined ? '' : `${stats.mtimeNs} ${stats.ino} ${stats.size}`
  }

  /** What is to be written: the file may have been changed since the last look at it. */
  #current(): Set<string> {
    return new Set([...(this.#stamp() === '' ? this.#keyIds : this.#read()), ...this.#unwritten])
  }

  #read(): Set<string> {
    if (this.#file === undefined) return new Set()
    try {
      return parseDisabledKeys(readFileSync(this.#file, 'utf8'))
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return new Set()
      throw new KmsError('internal', `the list of disabled keys in ${this.#file} cannot be read`, {
        cause: error,
      })
    }
  }

  #write(keyIds: ReadonlySet<string>): void {
    if (this.#file !== undefined) this.#writeTo(this.#file, keyIds)
    this.#unwritten.clear()
    this.#seen = this.#stamp()
  }

  #writeTo(file: string, keyIds: ReadonlySet<string>): void {
    const temporary = `${file}.${process.pid}`
    try {
      writeFileSync(temporary, `${JSON.stringify({ disabled: [...keyIds].sort() })}\n`, {
        mode: fileMode,
        flush: true,
      })
      renameSync(temporary, file)
      // Before that, a power failure brings the old list back.
      syncFolder(dirname(file))
    } catch (cause) {
      const why = cause instanceof Error && 'code' in cause ? ` (${cause.code})` : ''
      throw new KmsError('not-configured', `the list of disabled keys in ${file} cannot be written${why}`, {
        cause,
      })
    }
  }
}

function parseDisabledKeys(text: string): Set<string> {
  const value: unknown = JSON.parse(text)
  const list = typeof value === 'object' && value !== null && 'disabled' in value ? value.disabled : undefined
  if (!Array.isArray(list) || !list.every((keyId) => typeof keyId === 'string')) {
    throw new Error('it is not of the form {"disabled":["key-id"]}')
  }
  return new Set(list)
}
