import { createHash } from 'node:crypto'
import type { Logger } from 'pino'
import { type Clock, type KeyService, systemClock } from '../../control/client.ts'
import { isRefusal, KmsError } from '../../control/errors.ts'
import type { SystemRecords } from '../backends/backend.ts'
import { fingerprintRecord } from './system-messages.ts'

/** Where the sealed values are: that of the store's first key under this name, and one a key id. */
export const fingerprintPrefix = 'fingerprints/'
export const firstName = `${fingerprintPrefix}first`
const namesMax = 1_000

export const knownValue = new TextEncoder().encode('sealgate/fingerprint/1')
export const fingerprintContext = { sealgate: 'fingerprint' }

/** After a check that could not be made. */
const againMs = 1_000
/** After one that the store did not pass: a policy that lacks a path looks like another KMS, and is mended while we run. */
const mismatchAgainMs = 5_000
/** How long it is believed that a key still opens its value. */
const ensuredMs = 300_000

/** The store holds what a KMS has sealed that is not this front-end's, or that refuses this front-end. */
export class StoreMismatch extends Error {
  override readonly name = 'StoreMismatch'
}

/** A refusal, in the KMS's words, comes of a policy: the KMS may be the right one all the same. */
type Missing = { readonly refusal: string } | 'unopened'

/**
 * Whether the store and the KMS belong together: a value that everyone knows, sealed by every key that has sealed an object.
 * A front-end that cannot open one of them has another KMS than the store's, and writes nothing encrypted. The first key's
 * is written once for the whole store, so that of two KMSs one is too late.
 */
export class StoreFingerprint {
  readonly #system: SystemRecords
  readonly #service: KeyService
  readonly #log: Logger
  readonly #clock: Clock
  #state: 'unchecked' | 'matching' | StoreMismatch = 'unchecked'
  #checking: Promise<void> | undefined
  #cancelRetry = () => {}
  #closed = false
  readonly #ensured = new Map<string, { readonly ensuring: Promise<void>; readonly untilMs: number }>()
  /** Keys that have opened their value: when they are refused, or cannot be asked for, that tells of no other KMS. */
  readonly #proven = new Set<string>()

  constructor(parts: {
    readonly system: SystemRecords
    readonly service: KeyService
    readonly log: Logger
    readonly clock?: Clock
  }) {
    this.#system = parts.system
    this.#service = parts.service
    this.#log = parts.log
    this.#clock = parts.clock ?? systemClock
  }

  /** Why nothing encrypted can be written now, or undefined. */
  get reason(): string | undefined {
    if (this.#state === 'matching') return undefined
    if (this.#state instanceof StoreMismatch) return this.#state.message
    return 'it is not known yet whether the KMS is the one of the store'
  }

  /**
   * Control may have another KMS now. What was leased before stays good; new data keys wait for the outcome of another look.
   */
  distrust(): void {
    this.#ensured.clear()
    this.#proven.clear()
    this.#checkAgain(0)
  }

  /** The KMS has withdrawn keys: it may have others of the same names now. The next new data key waits for another look. */
  reconsider(): void {
    this.#ensured.clear()
  }

  /**
   * Opens every value of the store. Errors: StoreMismatch; KmsError `unavailable` and BackendError where it cannot be told
   * now. After either it is tried again, until the store and the KMS belong together.
   */
  check(): Promise<void> {
    this.#cancelRetry()
    this.#checking ??= this.#check().finally(() => {
      this.#checking = undefined
    })
    return this.#checking
  }

  /** Before a data key is asked for. Errors: KmsError `unavailable`. */
  require(): void {
    if (this.#state === 'matching') return
    if (this.#state instanceof StoreMismatch) throw refusal(this.#state)
    throw new KmsError('unavailable', 'it is not known yet whether the KMS is the one of the store')
  }

  /**
   * Before the first object is sealed with a data key: the store has a value of its master key, and this KMS opens it, as was seen
   * five minutes ago at most. Errors: KmsError `unavailable` and those of the key service, BackendError.
   */
  ensure(keyId: string): Promise<void> {
    const nowMs = this.#clock.steadyMs()
    const known = this.#ensured.get(keyId)
    if (known !== undefined && known.untilMs > nowMs) return known.ensuring
    const ensuring = this.#ensure(keyId)
    this.#ensured.set(keyId, { ensuring, untilMs: nowMs + ensuredMs })
    ensuring.catch(() => this.#ensured.delete(keyId))
    return ensuring
  }

  /**
   * After an epoch was written down: the store still has a value of its master key. `sealgate rewrap --leave` takes the value away
   * before it looks for such epochs the last time, so that either it or we find the other. Errors: KmsError `key-not-found`, BackendError.
   */
  async requireNamed(keyId: string): Promise<void> {
    for (const name of [firstName, nameOf(keyId)]) {
      const record = await this.#system.get(name)
      if (record !== undefined && fingerprintRecord.decode(record).keyId === keyId) return
    }
    this.#ensured.delete(keyId)
    throw new KmsError('key-not-found', `the store has left key ${keyId}`)
  }

  close(): void {
    this.#closed = true
    this.#cancelRetry()
  }

  #checkAgain(delayMs: number): void {
    this.#cancelRetry()
    if (this.#closed) return
    // Its outcome is in the state, its failure leads to another one.
    this.#cancelRetry = this.#clock.after(delayMs, () => void this.check().catch(() => {}))
  }

  async #check(): Promise<void> {
    try {
      const { ready, reason, disabledKeyIds } = await this.#service.status()
      if (!ready) throw new KmsError('unavailable', `the KMS is not ready: ${reason}`)
      const names = await this.#system.list(fingerprintPrefix, { after: '', limit: namesMax })
      const missing = new Map<string, Missing>()
      for (const name of names) {
        const found = await this.#missingKeyOf(name, disabledKeyIds)
        if (found !== undefined) missing.set(found.keyId, found.why)
      }
      if (missing.size > 0) throw this.#mismatch(missing)
      if (this.#state instanceof StoreMismatch)
        this.#log.info('the KMS opens what the store holds: objects are encrypted again')
      this.#state = 'matching'
    } catch (error) {
      if (!(error instanceof StoreMismatch)) this.#checkAgain(againMs)
      throw error
    }
  }

  /** The id of a key that has sealed objects here and that this KMS does not give; a disabled one is not given on purpose. */
  async #missingKeyOf(
    name: string,
    disabledKeyIds: readonly string[],
  ): Promise<{ readonly keyId: string; readonly why: Missing } | undefined> {
    const record = await this.#system.get(name)
    if (record === undefined) return undefined
    const { keyId } = fingerprintRecord.decode(record)
    if (disabledKeyIds.includes(keyId)) return undefined
    const why = await this.#missing(record)
    return why === undefined ? undefined : { keyId, why }
  }

  /** Why the KMS does not open the record; undefined when it does. */
  async #missing(record: Uint8Array): Promise<Missing | undefined> {
    const { keyId, sealed } = fingerprintRecord.decode(record)
    try {
      const opened = await this.#service.decrypt({ keyId, sealed, context: fingerprintContext })
      return Buffer.compare(opened, knownValue) === 0 ? undefined : 'unopened'
    } catch (error) {
      if (!isRefusal(error)) throw error
      return error.code === 'access-denied' ? { refusal: error.message } : 'unopened'
    }
  }

  async #ensure(keyId: string): Promise<void> {
    const first = await this.#provide(firstName, keyId)
    const { keyId: firstKeyId } = fingerprintRecord.decode(first)
    await this.#requireOpens(first, firstKeyId)
    if (firstKeyId === keyId) return
    await this.#requireOpens(await this.#provide(nameOf(keyId), keyId), keyId)
  }

  async #requireOpens(record: Uint8Array, keyId: string): Promise<void> {
    const proven = this.#proven.has(keyId)
    let why: Missing | undefined
    try {
      const { disabledKeyIds } = await this.#service.status()
      if (disabledKeyIds.includes(keyId)) return
      why = await this.#missing(record)
    } catch (error) {
      if (proven && error instanceof KmsError) return
      throw error
    }
    if (why === undefined) this.#proven.add(keyId)
    else if (why === 'unopened' || !proven) throw refusal(this.#mismatch(new Map([[keyId, why]])))
  }

  #mismatch(missing: ReadonlyMap<string, Missing>): StoreMismatch {
    const error = new StoreMismatch(mismatchReason(missing))
    const told = this.#state instanceof StoreMismatch && this.#state.message === error.message
    this.#state = error
    this.#ensured.clear()
    this.#proven.clear()
    if (!told)
      this.#log.error({ err: error }, 'nothing is encrypted: the KMS does not open what the store holds')
    this.#checkAgain(mismatchAgainMs)
    return error
  }

  /** The record of that name, made with this key if it is the first. */
  async #provide(name: string, keyId: string): Promise<Uint8Array> {
    const found = await this.#system.get(name)
    if (found !== undefined) return found
    const { sealed } = await this.#service.encrypt({
      keyId,
      plaintext: knownValue,
      context: fingerprintContext,
    })
    const record = fingerprintRecord.encode({ keyId, sealed: Buffer.from(sealed) })
    if (await this.#system.put(name, record, { onlyIfAbsent: true })) return record
    const others = await this.#system.get(name)
    if (others === undefined) throw new KmsError('unavailable', 'the fingerprint of the store was removed')
    return others
  }
}

/** Throws StoreMismatch for a front-end without any KMS on a store that has sealed objects. */
export async function requireNoFingerprint(system: SystemRecords): Promise<void> {
  const record = await system.get(firstName)
  if (record === undefined) return
  const { keyId } = fingerprintRecord.decode(record)
  throw new StoreMismatch(`the store has objects sealed under key ${keyId}, but no KMS is configured`)
}

function mismatchReason(missing: ReadonlyMap<string, Missing>): string {
  const reasons = [...missing.values()]
  const [first] = reasons
  const refused = first !== undefined && first !== 'unopened' && !reasons.includes('unopened')
  const finding = refused ? `refuses to open (${first.refusal}): let it, or` : 'does not open:'
  return `the store has objects sealed under key ${[...missing.keys()].join(', ')}, which the configured KMS ${finding} give this server the KMS that the store was written with`
}

function refusal(cause: StoreMismatch): KmsError {
  return new KmsError('unavailable', cause.message, { cause })
}

/** Where the value of a key is that is not the store's first. Key ids have characters that names of records have not. */
export function nameOf(keyId: string): string {
  return `${fingerprintPrefix}${createHash('sha256').update(keyId).digest('hex')}`
}
