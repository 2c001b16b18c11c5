import type { Logger } from 'pino'
import { Gauge, type Registry } from 'prom-client'
import {
  type Clock,
  type EncryptionContext,
  KeyRing,
  type KeyService,
  type KeyServiceStatus,
  type SealedDataKey,
} from '../../control/client.ts'
import { KmsError } from '../../control/errors.ts'
import { objectPath } from '../../engine/index.ts'
import { BackendError, type SystemRecords } from '../backends/backend.ts'
import type { KmsPart } from './envelope.ts'
import { EpochRecords } from './epoch-records.ts'
import { requireNoFingerprint, StoreFingerprint } from './fingerprint.ts'
import type { ObjectName } from './object-keys.ts'
import { OpenedEnvelopes } from './opened-envelopes.ts'

interface DataKeyRequest {
  readonly keyId: string | undefined
  readonly clientContext: EncryptionContext
}

interface NewDataKey {
  readonly plaintext: Uint8Array
  readonly kms: KmsPart
}

/**
 * The data keys that objects' keys are sealed under: from the key ring, written down in the store, and only where the store
 * is that of the KMS. Plaintexts belong to the caller. Errors: KmsError, BackendError.
 */
export class DataKeys {
  readonly #service: KeyService
  readonly #ring: KeyRing
  readonly #epochs: EpochRecords
  readonly #fingerprint: StoreFingerprint
  /** Envelopes whose object keys were opened with these data keys. */
  readonly opened = new OpenedEnvelopes((kms, name, secret) =>
    this.#ring.keep(sealedKeyOf(kms, name), secret),
  )

  constructor(parts: {
    readonly service: KeyService
    readonly ring: KeyRing
    readonly epochs: EpochRecords
    readonly fingerprint: StoreFingerprint
  }) {
    this.#service = parts.service
    this.#ring = parts.ring
    this.#epochs = parts.epochs
    this.#fingerprint = parts.fingerprint
    // A control that was started again may have been given another KMS.
    this.#ring.onInstance(() => this.#fingerprint.distrust())
    this.#ring.onDrop(() => this.#fingerprint.reconsider())
  }

  /** A data key for a new object, and what its envelope says of it. */
  async create(request: DataKeyRequest, name: ObjectName): Promise<NewDataKey> {
    this.#fingerprint.require()
    try {
      return await this.#create(request, name)
    } catch (error) {
      if (!(error instanceof NoMoreSealing)) throw error
      this.#ring.drop(error.keyId)
      return this.#create(request, name)
    }
  }

  async #create({ keyId, clientContext }: DataKeyRequest, name: ObjectName): Promise<NewDataKey> {
    const bucketContext = contextOf({ contextForm: 'bucket', clientContext }, name)
    const key = await this.#ring.dataKey({
      bucketContext,
      objectContext: () => contextOf({ contextForm: 'object', clientContext }, name),
      ...(keyId !== undefined && { keyId }),
    })
    const { epochId } = key
    try {
      if (epochId === undefined) await this.#fingerprint.ensure(key.keyId)
      else if (!this.#epochs.isWritten(epochId)) {
        await this.#fingerprint.ensure(key.keyId)
        await this.#epochs.write(epochId, key, {
          context: bucketContext,
          confirm: (id) => this.#fingerprint.requireNamed(id),
        })
      }
    } catch (error) {
      key.plaintext.fill(0)
      const isLeft = error instanceof KmsError && error.code === 'key-not-found'
      throw isLeft ? new NoMoreSealing(key.keyId, error) : error
    }
    const kms: KmsPart = {
      keyId: key.keyId,
      sealedDataKey: key.sealed,
      contextForm: epochId === undefined ? 'object' : 'bucket',
      clientContext,
      ...(epochId !== undefined && { epochId }),
    }
    return { plaintext: key.plaintext, kms }
  }

  /** The data key that an object's envelope names. */
  open(kms: KmsPart, name: ObjectName): Promise<Uint8Array> {
    const { epochId } = kms
    const key = sealedKeyOf(kms, name)
    return epochId === undefined
      ? this.#ring.open(key)
      : this.#ring.open(key, () => this.#epochs.resealed(epochId))
  }

  status(): Promise<KeyServiceStatus> {
    return this.#service.status()
  }

  /** Why nothing can be encrypted, besides what status says. */
  get reason(): string | undefined {
    return this.#fingerprint.reason
  }

  /** Zeroes the keys. */
  async close(): Promise<void> {
    this.#fingerprint.close()
    await this.#ring.close()
  }
}

/** A key under a lease that the KMS has no more, or that the store has left: another may be asked for. */
class NoMoreSealing extends KmsError {
  readonly keyId: string
  constructor(keyId: string, cause: KmsError) {
    super(cause.code, cause.message, { cause })
    this.keyId = keyId
  }
}

function sealedKeyOf(kms: KmsPart, name: ObjectName): SealedDataKey {
  const { keyId, sealedDataKey: sealed, epochId } = kms
  const context = contextOf(kms, name)
  return epochId === undefined ? { keyId, sealed, context } : { keyId, sealed, context, epochId }
}

/** The context that binds a data key: the client's entries, and the bucket's own unless the client gave one of that name. */
function contextOf(
  { contextForm, clientContext }: Pick<KmsPart, 'contextForm' | 'clientContext'>,
  { bucket, key }: ObjectName,
): EncryptionContext {
  return { [bucket]: contextForm === 'object' ? objectPath(bucket, key) : bucket, ...clientContext }
}

/**
 * Makes the data keys of a front-end: with a key service, or undefined without. Errors: StoreMismatch for a store that was
 * written with another KMS. A KMS that is away does not keep it from starting.
 */
export async function openDataKeys(
  service: KeyService | undefined,
  {
    system,
    log,
    now,
    ...options
  }: {
    readonly system: SystemRecords
    readonly log: Logger
    readonly registry: Registry
    readonly now: () => number
    readonly clock?: Clock
  },
): Promise<DataKeys | undefined> {
  if (service === undefined) {
    await requireNoFingerprint(system)
    return undefined
  }
  const { clock } = options
  const fingerprint = new StoreFingerprint({ system, service, log, ...(clock !== undefined && { clock }) })
  try {
    await fingerprint.check()
  } catch (error) {
    if (!(error instanceof KmsError) && !(error instanceof BackendError)) {
      fingerprint.close()
      throw error
    }
    log.warn(
      { err: error },
      'whether the KMS is the one of the store is not known yet; nothing is encrypted until it is',
    )
  }
  const ring = new KeyRing({ service, ...options })
  const keys = new DataKeys({ service, ring, epochs: new EpochRecords(system, { log, now }), fingerprint })
  new Gauge({
    name: 'sealgate_opened_envelopes',
    help: 'Objects whose keys are kept for who reads them again',
    registers: [options.registry],
    collect() {
      this.set(keys.opened.size)
    },
  })
  return keys
}
