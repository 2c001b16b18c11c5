import type { Logger } from 'pino'
import type { EncryptionContext, ResealedKey, RingKey } from '../../control/client.ts'
import type { SystemRecords } from '../backends/backend.ts'
import { toHex } from '../text.ts'
import { epochRecord } from './system-messages.ts'

/** Where the records of epochs are, each under its id in hexadecimal. */
export const epochPrefix = 'epochs/'

/** Epochs that are remembered as written down. */
const rememberedMax = 10_000

/**
 * The sealed data key of every epoch, kept beside the objects: `sealgate rewrap` seals those anew, and no object. A record is
 * written before the first object of its epoch is.
 */
export class EpochRecords {
  readonly #system: SystemRecords
  readonly #log: Logger
  readonly #now: () => number
  readonly #written = new Set<string>()
  readonly #writing = new Map<string, Promise<void>>()

  constructor(system: SystemRecords, { log, now }: { readonly log: Logger; readonly now: () => number }) {
    this.#system = system
    this.#log = log
    this.#now = now
  }

  /** Whether this process knows that the epoch has a record. */
  isWritten(epochId: Uint8Array): boolean {
    return this.#written.has(nameOf(epochId))
  }

  /** Resolves when the epoch has a record, and `confirm` found after that that it may. Errors: BackendError, those of `confirm`. */
  write(
    epochId: Uint8Array,
    key: Pick<RingKey, 'keyId' | 'sealed'>,
    {
      context,
      confirm,
    }: { readonly context: EncryptionContext; readonly confirm: (keyId: string) => Promise<void> },
  ): Promise<void> {
    const name = nameOf(epochId)
    const running = this.#writing.get(name)
    if (running !== undefined) return running
    const writing = this.#write(name, key, context)
      .then(() => confirm(key.keyId))
      .then(() => this.#remember(name))
      .finally(() => this.#writing.delete(name))
    this.#writing.set(name, writing)
    return writing
  }

  async #write(
    name: string,
    { keyId, sealed }: Pick<RingKey, 'keyId' | 'sealed'>,
    context: EncryptionContext,
  ): Promise<void> {
    const record = epochRecord.encode({
      keyId,
      sealedDataKey: Buffer.from(sealed),
      context: { ...context },
      createdAtMs: this.#now(),
      rewrappedAtMs: 0,
    })
    // Another front-end may have been the first; its record is as good, or sealed by a newer version.
    await this.#system.put(name, record, { onlyIfAbsent: true })
  }

  #remember(name: string): void {
    this.#written.add(name)
    for (const oldest of this.#written) {
      if (this.#written.size <= rememberedMax) break
      this.#written.delete(oldest)
    }
  }

  /**
   * The data key as it was sealed last, perhaps under another master key than the objects name; undefined without a record that can
   * be read. Errors: BackendError.
   */
  async resealed(epochId: Uint8Array): Promise<ResealedKey | undefined> {
    const name = nameOf(epochId)
    const record = await this.#system.get(name)
    if (record === undefined) return undefined
    try {
      const { keyId, sealedDataKey: sealed } = epochRecord.decode(record)
      return { keyId, sealed }
    } catch (error) {
      // The object's own copy is as good; and what either opens to is compared with the epoch's id.
      this.#log.error({ err: error, name }, 'the record of an epoch cannot be read')
      return undefined
    }
  }
}

function nameOf(epochId: Uint8Array): string {
  return `${epochPrefix}${toHex(epochId)}`
}
