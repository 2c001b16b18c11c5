import { BackendError, type Bucket } from '../backend.ts'
import { toBucket } from './rows.ts'
import type { Statements } from './statements.ts'

/** More are forgotten, and read again. */
const rememberedMax = 10_000

/**
 * Buckets and their settings, which every request asks for several times. They are remembered for as long as the database
 * says that nobody, in whatever process, has committed anything (PRAGMA data_version), which is asked once in each turn of
 * the event loop: what a turn works on had come before it began.
 */
export class BucketRows {
  readonly #statements: Statements
  readonly #buckets = new Map<string, Bucket>()
  readonly #settings = new Map<string, string | undefined>()
  #version: unknown
  #isCurrent = false

  constructor(statements: Statements) {
    this.#statements = statements
  }

  /** Errors: no-such-bucket. */
  bucket(name: string): Bucket {
    this.#requireCurrent()
    return remembered(this.#buckets, name, () => {
      const row = this.#statements.get('SELECT * FROM buckets WHERE name = ?', name)
      // One that is not there is not remembered: anybody may ask for any name.
      if (row === undefined) throw new BackendError('no-such-bucket', `there is no bucket ${name}`)
      return toBucket(row)
    })
  }

  /** Errors: no-such-bucket. */
  setting(bucket: string, name: string): string | undefined {
    this.bucket(bucket)
    return remembered(this.#settings, `${bucket}/${name}`, () => {
      const row = this.#statements.get(
        'SELECT value FROM settings WHERE bucket = ? AND name = ?',
        bucket,
        name,
      )
      return row === undefined ? undefined : String(row.value)
    })
  }

  #requireCurrent(): void {
    if (this.#isCurrent) return
    this.#isCurrent = true
    // After the promises of this turn, before the next event.
    process.nextTick(() => {
      this.#isCurrent = false
    })
    const version = this.#statements.get('PRAGMA data_version')?.data_version
    if (version === this.#version) return
    this.#version = version
    this.#buckets.clear()
    this.#settings.clear()
  }
}

function remembered<Value>(known: Map<string, Value>, name: string, read: () => Value): Value {
  const value = known.get(name)
  if (value !== undefined || known.has(name)) return value as Value
  if (known.size >= rememberedMax) known.clear()
  const fresh = read()
  known.set(name, fresh)
  return fresh
}
