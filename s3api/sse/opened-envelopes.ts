import type { KeptSecret } from '../../control/client.ts'
import { RecentlyUsed } from '../recently-used.ts'
import type { Envelope, KmsPart, MacFacts } from './envelope.ts'
import type { ObjectName } from './object-keys.ts'

/** Bytes that all kept envelopes take together, by {@link costOf}. */
const costMax = 16 * 1024 * 1024
const keySize = 32

/** An envelope whose object key is known. */
export interface OpenedEnvelope {
  readonly envelope: Envelope
  /** 32 bytes, owned by the caller. */
  readonly objectKey: Uint8Array
}

interface Keyed extends OpenedEnvelope {
  /** 32 bytes, of the envelope's MAC; not to be written to. */
  readonly macKey: Uint8Array
}

interface Known extends Keyed {
  /** Found authentic with it the last time, if nobody can have changed them since. */
  readonly facts: MacFacts | undefined
}

/** Keeps a secret with the data key that it was opened with, and takes it over; undefined where that key is not held. */
type Keep = (dataKey: KmsPart, name: ObjectName, secret: Uint8Array) => KeptSecret | undefined

interface Kept {
  readonly stored: Uint8Array
  readonly name: ObjectName
  readonly envelope: Envelope
  /** The object key and the MAC's. */
  readonly secret: Uint8Array
  readonly held: KeptSecret
  facts: MacFacts | undefined
}

/**
 * The envelopes that were read last, with their object keys: for who reads an object again, or its next range, nothing is
 * unsealed. An object key serves only while its data key may be used, and is zeroed with it.
 */
export class OpenedEnvelopes {
  readonly #keep: Keep
  /** By their MACs. */
  readonly #kept = new RecentlyUsed<string, Kept>(costMax, ({ held }) => held.release())

  constructor(keep: Keep) {
    this.#keep = keep
  }

  get size(): number {
    return this.#kept.size
  }

  /**
   * What is known of exactly these bytes under exactly this name. With other facts the MAC is still to be checked: what it covers
   * beside the envelope may have changed. Errors: KmsError access-denied.
   */
  find(stored: Uint8Array, name: ObjectName): Known | undefined {
    const id = idOf(stored)
    const kept = this.#kept.get(id)
    if (kept === undefined || !isOf(kept, stored, name)) return undefined
    const { envelope, secret, held, facts } = kept
    if (!held.use()) {
      this.#kept.delete(id)
      return undefined
    }
    return { envelope, objectKey: secret.slice(0, keySize), macKey: secret.subarray(keySize), facts }
  }

  /** The MAC was found right with these facts; where they are frozen they are known by themselves the next time. */
  found(stored: Uint8Array, facts: MacFacts): void {
    if (!Object.isFrozen(facts)) return
    const kept = this.#kept.get(idOf(stored))
    if (kept !== undefined) kept.facts = facts
  }

  /**
   * Keeps an envelope that was found authentic, unless its key is a client's: `envelope` is what was parsed from `stored`, whose
   * memory is its own.
   */
  add(stored: Uint8Array, name: ObjectName, { envelope, objectKey, macKey }: Keyed): void {
    if (envelope.kms === undefined) return
    const secret = new Uint8Array(2 * keySize)
    secret.set(objectKey)
    secret.set(macKey, keySize)
    const held = this.#keep(envelope.kms, name, secret)
    if (held === undefined) return
    const kept = { stored, name, envelope, secret, held, facts: undefined }
    this.#kept.set(idOf(stored), kept, costOf(stored))
  }
}

/** The MAC, which no two envelopes share. */
function idOf(stored: Uint8Array): string {
  return Buffer.from(stored.buffer, stored.byteOffset, stored.length).toString(
    'latin1',
    stored.length - keySize,
  )
}

function isOf(kept: Kept, stored: Uint8Array, { bucket, key }: ObjectName): boolean {
  return kept.name.key === key && kept.name.bucket === bucket && Buffer.compare(kept.stored, stored) === 0
}

/** Parsed, an entry of a part table takes a few times the bytes that it has on the wire. */
function costOf(stored: Uint8Array): number {
  return 1024 + 8 * stored.length
}
