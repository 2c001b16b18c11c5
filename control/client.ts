import type { ServiceError } from '@grpc/grpc-js'
import type { DataKey as DataKeyMessage } from '../proto/gen/sealgate/kms/v1/DataKey.ts'
import type { DecryptBatchResponse } from '../proto/gen/sealgate/kms/v1/DecryptBatchResponse.ts'
import type { DecryptResponse } from '../proto/gen/sealgate/kms/v1/DecryptResponse.ts'
import type { EncryptResponse } from '../proto/gen/sealgate/kms/v1/EncryptResponse.ts'
import type { StatusResponse } from '../proto/gen/sealgate/kms/v1/StatusResponse.ts'
import type { ControlAddress } from './config.ts'
import { codeOfStatus, KmsError, type KmsErrorCode, kmsErrorCodes } from './errors.ts'
import { clientCredentials, toTarget } from './listener.ts'
import { messageSizeMax, proto } from './proto.ts'

/** Bytes. */
const dataKeySize = 32

/** Name-value pairs bound to a data key: needed again, all of them, to unseal it. Not secret. */
export type EncryptionContext = Readonly<Record<string, string>>

/** A data key in both its forms. */
export interface DataKey {
  /** The id of the master key that sealed it. */
  readonly keyId: string
  /** 32 bytes, owned by the caller, who zeroes it when done. */
  readonly plaintext: Uint8Array
  /** The KMS's ciphertext, opaque, at most 4 KiB. */
  readonly sealed: Uint8Array
}

/** How the key service and its KMS session are; times in milliseconds since 1970, 0 for never. */
export interface KeyServiceStatus {
  readonly provider: string
  readonly defaultKeyId: string
  readonly ready: boolean
  readonly session: string
  readonly reason: string
  readonly tokenExpiresAtMs: number
  readonly lastLoginAtMs: number
  readonly lastRenewalAtMs: number
  readonly startedAtMs: number
  readonly version: string
  readonly logins: number
  readonly renewals: number
}

/**
 * The key service as a front-end, or any other service, sees it. Every method throws {@link KmsError} and nothing
 * else, has a deadline of its own, and can be called again after `unavailable`.
 */
export interface KeyService {
  /** A fresh data key under `keyId`, or under the default key. Errors: key-not-found, access-denied, unavailable, not-configured. */
  generateDataKey(request: { readonly keyId?: string; readonly context: EncryptionContext }): Promise<DataKey>
  /** The 32 bytes of a sealed data key, owned by the caller. Errors: as above, and invalid-ciphertext. */
  decrypt(request: {
    readonly keyId: string
    readonly sealed: Uint8Array
    readonly context: EncryptionContext
  }): Promise<Uint8Array>
  /** Many at once; each item has its key, or the error that it alone failed with, in the order of the requests. At most 1,000. */
  decryptBatch(
    items: readonly {
      readonly keyId: string
      readonly sealed: Uint8Array
      readonly context: EncryptionContext
    }[],
  ): Promise<readonly (Uint8Array | KmsError)[]>
  /** Seals 1..64 KiB of another service's under a master key; `decrypt` opens them. */
  encrypt(request: {
    readonly keyId?: string
    readonly plaintext: Uint8Array
    readonly context: EncryptionContext
  }): Promise<{ readonly keyId: string; readonly sealed: Uint8Array }>
  status(): Promise<KeyServiceStatus>
  /** Ends the connection. Idempotent. */
  close(): Promise<void>
}

/** A call that has not come back by then has failed. */
const defaultDeadlineMs = 5_000
/** Longer than any deadline: a ping in the middle of a drain would end the call (grpc-node issue 3068). */
const keepaliveMs = 60_000
const serviceConfig = JSON.stringify({
  methodConfig: [
    {
      name: [{ service: 'sealgate.kms.v1.Keys' }],
      // Every method can be repeated: a data key that nobody received does no harm.
      retryPolicy: {
        maxAttempts: 3,
        initialBackoff: '0.05s',
        maxBackoff: '0.5s',
        backoffMultiplier: 2,
        retryableStatusCodes: ['UNAVAILABLE'],
      },
    },
  ],
})

/**
 * A client of the key service at `address`. It connects when first used and again after a break; while control is away, calls
 * fail with `unavailable` by their deadline.
 */
export function connectKeyService(
  address: ControlAddress,
  { deadlineMs = defaultDeadlineMs }: { readonly deadlineMs?: number } = {},
): KeyService {
  const client = new proto.sealgate.kms.v1.Keys(toTarget(address), clientCredentials(address), {
    'grpc.enable_http_proxy': 0,
    'grpc.max_receive_message_length': messageSizeMax,
    'grpc.max_send_message_length': messageSizeMax,
    'grpc.keepalive_time_ms': keepaliveMs,
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 1_000,
    'grpc.service_config': serviceConfig,
  })

  /** One call: its deadline, and the error that the service threw. */
  function call<Response>(
    start: (
      options: { deadline: number },
      done: (error: ServiceError | null, response?: Response) => void,
    ) => void,
  ): Promise<Response> {
    return new Promise((resolve, reject) => {
      start({ deadline: Date.now() + deadlineMs }, (error, response) => {
        if (error !== null) reject(new KmsError(codeOfStatus(error.code), error.details, { cause: error }))
        else if (response === undefined) reject(new KmsError('internal', 'control sent an empty answer'))
        else resolve(response)
      })
    })
  }

  return {
    async generateDataKey({ keyId = '', context }) {
      const request = { keyId, context }
      const dataKey = await call<DataKeyMessage>((options, done) =>
        client.generateDataKey(request, options, done),
      )
      requireDataKey(dataKey.plaintext)
      return dataKey
    },
    async decrypt(request) {
      const { plaintext } = await call<DecryptResponse>((options, done) =>
        client.decrypt({ ...request, sealed: toBuffer(request.sealed) }, options, done),
      )
      return plaintext
    },
    async decryptBatch(items) {
      const request = { items: items.map((item) => ({ ...item, sealed: toBuffer(item.sealed) })) }
      const { results } = await call<DecryptBatchResponse>((options, done) =>
        client.decryptBatch(request, options, done),
      )
      return results.map(
        ({ plaintext, error }) => plaintext ?? new KmsError(parseCode(error), 'the key was not unsealed'),
      )
    },
    async encrypt({ keyId = '', plaintext, context }) {
      const request = { keyId, plaintext: toBuffer(plaintext), context }
      return call<EncryptResponse>((options, done) => client.encrypt(request, options, done))
    },
    status: () => call<StatusResponse>((options, done) => client.status({}, options, done)),
    async close() {
      client.close()
    },
  }
}

function requireDataKey(plaintext: Uint8Array): void {
  if (plaintext.length !== dataKeySize) {
    throw new KmsError('internal', `control sent a data key of ${plaintext.length} bytes`)
  }
}

function parseCode(text: string | undefined): KmsErrorCode {
  return kmsErrorCodes.find((code) => code === text) ?? 'internal'
}

function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}
