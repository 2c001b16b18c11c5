import { timingSafeEqual } from 'node:crypto'
import type { Registry } from 'prom-client'
import { deriveKey } from '../../engine/index.ts'
import { isRefusal, KmsError } from '../errors.ts'
import { showGauge } from '../gauge.ts'
import { createCacheMetrics } from '../keys/cache-metrics.ts'
import type { Fetch } from '../keys/held-key.ts'
import { KeyCache } from '../keys/key-cache.ts'
import { Outage } from '../keys/outage.ts'
import type { DataKey, EncryptionContext, InstanceState, KeyService, Lease, SealedKey } from '../service.ts'
import { type Clock, systemClock } from '../session/session-clock.ts'
import { UseReports } from './use-reports.ts'

/** A data key for new objects. */
export interface RingKey extends DataKey {
  /** Of a data key that serves many objects, bound to the bucket alone; absent for one of this object alone. */
  readonly epochId?: Uint8Array
}

interface DataKeyRequest {
  readonly keyId?: string
  readonly bucketContext: EncryptionContext
  /** Asked for only where the key is to be for this object alone. */
  readonly objectContext: () => EncryptionContext
}

/** A data key as it was sealed last, perhaps under another master key than the one that the object names. */
export type ResealedKey = Pick<SealedKey, 'keyId' | 'sealed'>

/** A data key that an object was sealed with. */
export interface SealedDataKey extends SealedKey {
  readonly epochId?: Uint8Array
}

/** A secret that was opened with a data key, held as long as the data key. */
export interface KeptSecret {
  /** Counts as opening the data key. False: the data key may not be used without asking, or the secret is zeroed. Errors: access-denied. */
  use(): boolean
  /** Zeroes the secret. */
  release(): void
}

export interface KeyRingOptions {
  readonly service: KeyService
  readonly registry?: Registry
  readonly clock?: Clock
  readonly entriesMax?: number
}

const defaultEntriesMax = 10_000
const epochLabel = 'sealgate/epoch/1'
const epochIdSize = 16

/** The id of a data key's epoch, 16 bytes: who opens a sealed data key can tell by it that it is the right one. */
export function epochIdOf(dataKey: Uint8Array): Uint8Array {
  return new Uint8Array(deriveKey(dataKey, epochLabel).subarray(0, epochIdSize))
}

/**
 * The data keys of a front-end: held as their leases allow, dropped as control's instances say. With a live lease neither
 * sealing nor opening asks control. Every plaintext that is returned belongs to the caller. Errors of all methods: those of
 * the key service; access-denied for a disabled key.
 */
export class KeyRing {
  readonly #service: KeyService
  readonly #outage: Outage
  readonly #sealing: KeyCache
  readonly #opened: KeyCache
  readonly #uses: UseReports
  readonly #instances = new Map<string, InstanceState & { connected: boolean }>()
  /** Instances that said last that we may not listen: only the first time is news. */
  readonly #refusedBy = new Set<string>()
  readonly #endWatch: () => void
  #onInstance = () => {}
  #onDrop = () => {}
  /** What control said last; unknown at first. */
  #keysReused: boolean | undefined
  #graceMs = 0

  constructor({ service, registry, clock = systemClock, entriesMax = defaultEntriesMax }: KeyRingOptions) {
    this.#service = service
    this.#outage = new Outage(clock)
    this.#uses = new UseReports(service, clock)
    const metrics = registry && createCacheMetrics(registry, 'sealgate_key_ring')
    const cache = (kind: string) => {
      const events = metrics?.events(kind)
      const made = new KeyCache({ entriesMax, clock, outage: this.#outage, ...(events && { events }) })
      metrics?.showEntries(kind, () => made.size)
      return made
    }
    this.#sealing = cache('sealing')
    this.#opened = cache('opened')
    if (registry !== undefined) this.#showOutage(registry)
    this.#endWatch = service.watch((target, state) => this.#onState(target, state))
  }

  /** Called when a control instance is heard for the first time, also after its restart. One listener. */
  onInstance(listener: () => void): void {
    this.#onInstance = listener
  }

  /** Called when control has withdrawn keys, for one master key or all. One listener. */
  onDrop(listener: () => void): void {
    this.#onDrop = listener
  }

  /** The data key to seal a new object's key with: of the bucket's epoch, or of this object where control reuses none. */
  async dataKey(request: DataKeyRequest): Promise<RingKey> {
    this.#requireEnabled(request.keyId ?? '')
    const key = await this.#obtain(request)
    try {
      // Only now it is known which one the default key is, and of several instances one may not have heard yet.
      this.#requireEnabled(key.keyId)
      return key
    } catch (error) {
      key.plaintext.fill(0)
      throw error
    }
  }

  async #obtain({ keyId = '', bucketContext: context, objectContext }: DataKeyRequest): Promise<RingKey> {
    if (this.#keysReused !== false) {
      try {
        const id = `${keyId}\n${JSON.stringify(context)}`
        const key = await this.#sealing.take(id, () => this.#fetchLease(keyId, context))
        const { plaintext, sealed, epochId = epochIdOf(plaintext) } = key
        this.#uses.count('sealed', key.keyId, context)
        return { keyId: key.keyId, plaintext, sealed, epochId }
      } catch (error) {
        if (!(error instanceof NotReused)) throw error
        this.#keysReused = false
      }
    }
    return this.#outage.observe(this.#service.generateDataKey({ keyId, context: objectContext() }))
  }

  /** Opens a data key. `newer` finds the form in which it was sealed last, where that is another than the object's own. */
  async open(
    key: SealedDataKey,
    newer: () => Promise<ResealedKey | undefined> = async () => undefined,
  ): Promise<Uint8Array> {
    this.#requireEnabled(key.keyId)
    const { keyId, plaintext } = await this.#opened.take(idOf(key), () => this.#fetchOpened(key, newer))
    this.#uses.count('opened', keyId, key.context)
    return plaintext
  }

  /**
   * Keeps a secret that was opened with a data key for as long as the data key is held, when it is zeroed. Takes it over. Undefined:
   * the data key is not held.
   */
  keep(key: SealedDataKey, secret: Uint8Array): KeptSecret | undefined {
    const id = idOf(key)
    const keyId = this.#opened.keepSecret(id, secret)
    if (keyId === undefined) return undefined
    const count = this.#uses.counter('opened', keyId, key.context)
    return {
      use: () => {
        this.#requireEnabled(key.keyId)
        if (!this.#opened.useSecret(id, secret)) return false
        count()
        return true
      },
      release: () => this.#opened.dropSecret(id, secret),
    }
  }

  /** Zeroes every key, ends the watch and tells the last uses, where control answers soon; the service stays open. */
  async close(): Promise<void> {
    this.#endWatch()
    this.#sealing.close()
    this.#opened.close()
    await this.#uses.close()
  }

  async #fetchLease(keyId: string, context: EncryptionContext): ReturnType<Fetch> {
    const leased = await this.#service.leaseDataKey({ keyId, context })
    if (leased === undefined) throw new NotReused()
    const { lease, ...dataKey } = leased
    const key = { ...dataKey, epochId: epochIdOf(dataKey.plaintext) }
    const { sealed, epochId } = key
    const opened = { keyId: key.keyId, sealed, context, epochId }
    const again = () => this.#fetchOpened(opened, async () => undefined)
    const copy = { ...key, plaintext: new Uint8Array(key.plaintext) }
    this.#opened.put(idOf(opened), { key: copy, terms: this.#toTerms(lease) }, again)
    // Nothing is sealed beyond a lease's age.
    return { key, terms: { ...this.#toTerms(lease), offlineGraceMs: 0 } }
  }

  async #fetchOpened(key: SealedDataKey, newer: () => Promise<ResealedKey | undefined>): ReturnType<Fetch> {
    const resealed = await newer()
    if (resealed === undefined) return this.#decrypt(key)
    try {
      return await this.#decrypt({ ...key, ...resealed })
    } catch (refusal) {
      if (!isRefusal(refusal)) throw refusal
      const moved = resealed.keyId !== key.keyId
      // What is forbidden under the key that it was moved to is not had by way of the one before.
      if (moved && refusal.code === 'access-denied') throw refusal
      try {
        // The object's own copy may still open, with an old version of the master key, or the key before.
        return await this.#decrypt(key)
      } catch (error) {
        throw moved && isRefusal(error) ? refusal : error
      }
    }
  }

  async #decrypt({ epochId, ...key }: SealedDataKey): ReturnType<Fetch> {
    const { plaintext, lease } = await this.#service.decryptLeased(key)
    if (epochId !== undefined && !isSame(epochIdOf(plaintext), epochId)) {
      plaintext.fill(0)
      throw new KmsError('invalid-ciphertext', 'the data key is not the one of its epoch')
    }
    return { key: { keyId: key.keyId, plaintext, sealed: key.sealed }, terms: this.#toTerms(lease) }
  }

  #toTerms({ maxAgeMs, maxUses, idleMs, offlineGraceMs }: Lease) {
    this.#graceMs = Math.max(this.#graceMs, offlineGraceMs)
    return { ageMs: maxAgeMs, uses: maxUses, idleMs, offlineGraceMs }
  }

  #requireEnabled(keyId: string): void {
    for (const { disabledKeyIds } of this.#instances.values()) {
      if (disabledKeyIds.includes(keyId)) throw new KmsError('access-denied', `key ${keyId} is disabled`)
    }
  }

  #onState(target: string, state: InstanceState | 'refused' | undefined): void {
    const before = this.#instances.get(target)
    if (state === undefined || state === 'refused') {
      // Who is shut out gives up what it was lent, also where that is found out after control's restart.
      if (state === 'refused' && !this.#refusedBy.has(target)) {
        this.#refusedBy.add(target)
        this.drop()
      }
      this.#lost(target)
      return
    }
    this.#refusedBy.delete(target)
    this.#instances.set(target, { ...state, connected: true })
    this.#keysReused = state.keysReused
    const known = before?.disabledKeyIds ?? []
    // Of a key that is allowed again no lease is held, but that it was refused is remembered.
    const changed = [...known, ...state.disabledKeyIds].filter(
      (keyId) => known.includes(keyId) !== state.disabledKeyIds.includes(keyId),
    )
    if (state.droppedKeyIds === 'all') this.drop()
    else for (const keyId of [...state.droppedKeyIds, ...changed]) this.drop(keyId)
    if (state.droppedKeyIds.length > 0) this.#onDrop()
    if (before?.instanceId !== state.instanceId) this.#onInstance()
  }

  /** What it said last stands until it is heard again, unless others can be heard. */
  #lost(target: string): void {
    const state = this.#instances.get(target)
    if (state !== undefined) state.connected = false
    if (![...this.#instances.values()].some(({ connected }) => connected)) return
    for (const [name, { connected }] of this.#instances) if (!connected) this.#instances.delete(name)
  }

  /** Zeroes what is held of a master key, or all: control is asked anew. */
  drop(keyId?: string): void {
    this.#sealing.drop(keyId)
    this.#opened.drop(keyId)
  }

  #showOutage(registry: Registry): void {
    const gauge = (name: string, help: string, read: () => number, aggregator: 'sum' | 'min' | 'max') =>
      showGauge(registry, `sealgate_key_ring_${name}`, help, read, aggregator)
    gauge('offline', 'Whether control does not answer', () => Number(this.#outage.active), 'max')
    gauge(
      'offline_grace_remaining_seconds',
      'How much longer held keys open objects without control; all of it while it answers',
      () => Math.max(0, this.#graceMs - this.#outage.lastedMs) / 1000,
      // A front-end that holds no key has none.
      'max',
    )
    gauge('uses_lost', 'Objects sealed or opened that the audit never heard of', () => this.#uses.lost, 'sum')
    const heard = () => [...this.#instances.values()].filter(({ connected }) => connected).length
    gauge('control_instances', 'Control instances that are heard', heard, 'min')
  }
}

/** Control draws a data key for each object. */
class NotReused extends Error {}

/** An epoch has one data key, however it is sealed; without one the sealed form is what there is. */
function idOf({ keyId, sealed, context, epochId }: SealedDataKey): string {
  const form = epochId === undefined ? `s${toBase64(sealed)}` : `e${toBase64(epochId)}`
  return `${keyId}\n${form}\n${JSON.stringify(context)}`
}

function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64')
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b)
}
