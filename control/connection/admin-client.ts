import type { ServiceError } from '@grpc/grpc-js'
import type { DoctorResponse } from '../../proto/gen/sealgate/kms/v1/DoctorResponse.ts'
import type { FlushCacheResponse } from '../../proto/gen/sealgate/kms/v1/FlushCacheResponse.ts'
import type { KeyDescription } from '../../proto/gen/sealgate/kms/v1/KeyDescription.ts'
import type { KeyState } from '../../proto/gen/sealgate/kms/v1/KeyState.ts'
import type { ListKeysResponse } from '../../proto/gen/sealgate/kms/v1/ListKeysResponse.ts'
import type { StatusResponse } from '../../proto/gen/sealgate/kms/v1/StatusResponse.ts'
import { toTarget } from '../address.ts'
import type { KeyServiceStatus } from '../client.ts'
import type { ControlAddress } from '../config.ts'
import { KmsError } from '../errors.ts'
import { messageSizeMax, proto } from '../proto.ts'
import type { Check } from '../providers/provider.ts'
import { codeOfStatus, reasonOfFailure } from '../wire-errors.ts'
import { clientCredentials } from './credentials.ts'

/** A key as KeyDescription in kms.proto says. */
export type DescribedKey = Readonly<KeyDescription>

/** One control instance, as operators ask it. Every method throws {@link KmsError} and has a deadline; none is repeated. */
export interface AdminService {
  /** As it is called in messages. */
  readonly address: string
  status(): Promise<KeyServiceStatus>
  listKeys(): Promise<readonly string[]>
  /** The default key where none is named. */
  describeKey(keyId?: string): Promise<DescribedKey>
  createKey(keyId: string, options: { readonly contextBound: boolean }): Promise<DescribedKey>
  rotateKey(keyId: string): Promise<DescribedKey>
  /** Stops all use of a key, everywhere; `persistent`: also after a restart of control. */
  disableKey(keyId: string): Promise<{ readonly persistent: boolean }>
  enableKey(keyId: string): Promise<{ readonly persistent: boolean }>
  /** Ends all leases and empties the cache; resolves to how many keys there were. */
  flushCache(): Promise<number>
  doctor(): Promise<readonly Check[]>
  close(): void
}

const deadlineMs = 5_000
/** A doctor waits for what does not answer. */
const doctorDeadlineMs = 45_000

/** Connects when first used. Errors: KmsError `unavailable` for certificates that cannot be used. */
export function connectAdmin(address: ControlAddress): AdminService {
  const credentials = clientCredentials(address)
  const options = { 'grpc.enable_http_proxy': 0, 'grpc.max_receive_message_length': messageSizeMax }
  const { Admin, Keys } = proto.sealgate.kms.v1
  const admin = new Admin(toTarget(address), credentials.channel, options)
  const keys = new Keys(toTarget(address), credentials.channel, options)

  return {
    address: toTarget(address),
    status: () => call<StatusResponse>((settings, done) => keys.status({}, settings, done)),
    async listKeys() {
      const { keyIds } = await call<ListKeysResponse>((settings, done) => admin.listKeys({}, settings, done))
      return keyIds
    },
    describeKey: (keyId = '') =>
      call<KeyDescription>((settings, done) => admin.describeKey({ keyId }, settings, done)),
    createKey: (keyId, { contextBound }) =>
      call<KeyDescription>((settings, done) => admin.createKey({ keyId, contextBound }, settings, done)),
    rotateKey: (keyId) =>
      call<KeyDescription>((settings, done) => admin.rotateKey({ keyId }, settings, done)),
    disableKey: (keyId) => call<KeyState>((settings, done) => admin.disableKey({ keyId }, settings, done)),
    enableKey: (keyId) => call<KeyState>((settings, done) => admin.enableKey({ keyId }, settings, done)),
    async flushCache() {
      const { keys: count } = await call<FlushCacheResponse>((settings, done) =>
        admin.flushCache({}, settings, done),
      )
      return count
    },
    async doctor() {
      const start: Start<DoctorResponse> = (settings, done) => admin.doctor({}, settings, done)
      const { checks } = await call(start, doctorDeadlineMs)
      return checks.map(({ result, ...check }) => ({ ...check, result: parseResult(result) }))
    },
    close() {
      admin.close()
      keys.close()
      credentials.close()
    },
  }
}

type Start<Response> = (
  settings: { readonly deadline: number },
  done: (error: ServiceError | null, response?: Response) => void,
) => void

function call<Response>(start: Start<Response>, withinMs = deadlineMs): Promise<Response> {
  return new Promise((resolve, reject) => {
    start({ deadline: Date.now() + withinMs }, (error, response) => {
      if (error !== null)
        reject(new KmsError(codeOfStatus(error.code), reasonOfFailure(error), { cause: error }))
      else if (response === undefined) reject(new KmsError('internal', 'control sent an empty answer'))
      else resolve(response)
    })
  })
}

/** What a newer control calls by another name is no success. */
function parseResult(text: string): Check['result'] {
  return (['ok', 'warning', 'skipped'] as const).find((known) => known === text) ?? 'failed'
}
