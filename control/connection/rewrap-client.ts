import { Metadata } from '@grpc/grpc-js'
import type { KeysClient } from '../../proto/gen/sealgate/kms/v1/Keys.ts'
import type { RewrapResult } from '../../proto/gen/sealgate/kms/v1/RewrapResult.ts'
import { KmsError } from '../errors.ts'
import type { SealedKey } from '../service.ts'
import { codeOfStatus, parseErrorCode } from '../wire-errors.ts'

/** Sends one batch of keys and waits for all its results: what has come back is written down before more is asked for. */
export function rewrapOver(
  client: KeysClient,
  keys: readonly SealedKey[],
  deadlineMs: number,
): Promise<readonly (Uint8Array | KmsError)[]> {
  return new Promise((resolve, reject) => {
    const results: (Uint8Array | KmsError)[] = []
    const call = client.rewrap(new Metadata({ waitForReady: true }), { deadline: Date.now() + deadlineMs })
    call.on('data', ({ sealed, error }: RewrapResult) => {
      results.push(sealed ?? new KmsError(parseErrorCode(error), 'the key was not sealed anew'))
    })
    call.on('error', (error: Error & { readonly code?: number }) => {
      reject(new KmsError(codeOfStatus(error.code), error.message, { cause: error }))
    })
    call.on('end', () => {
      if (results.length === keys.length) resolve(results)
      else reject(new KmsError('unavailable', `control answered ${results.length} of ${keys.length} keys`))
    })
    for (const { keyId, sealed, context } of keys) call.write({ keyId, sealed: Buffer.from(sealed), context })
    call.end()
  })
}
