import { Endpoints } from '../../control/connection/endpoints.ts'
import { KmsError } from '../../control/errors.ts'
import type { SealedKey } from '../../control/service.ts'
import { codeOfStatus } from '../../control/wire-errors.ts'
import type { DecryptResponse } from '../../proto/gen/sealgate/kms/v1/DecryptResponse.ts'
import type { DecryptStreamResponse } from '../../proto/gen/sealgate/kms/v1/DecryptStreamResponse.ts'

interface Waiting {
  readonly resolve: (response: DecryptResponse) => void
  readonly reject: (error: KmsError) => void
}

/** Keys opened over one DecryptStream, as another service would do it. */
export interface DecryptStream {
  /** Errors: KmsError. */
  decrypt(key: SealedKey): Promise<DecryptResponse>
  close(): void
}

export function openDecryptStream(socketPath: string): DecryptStream {
  const endpoints = new Endpoints([{ kind: 'unix', path: socketPath }])
  const call = endpoints.pick(new Set()).client.decryptStream()
  const waiting = new Map<number, Waiting>()
  let lastId = 0
  let failure: KmsError | undefined
  const ended = (error: KmsError) => {
    failure ??= error
    for (const { reject } of waiting.values()) reject(error)
    waiting.clear()
  }
  call.on('data', ({ id, response, error }: DecryptStreamResponse) => {
    const caller = waiting.get(id)
    waiting.delete(id)
    if (response) caller?.resolve(response)
    else caller?.reject(new KmsError(codeOfStatus(error?.code), error?.message ?? 'an empty answer'))
  })
  call.on('error', (error) => ended(new KmsError('internal', 'the stream has failed', { cause: error })))
  call.on('end', () => ended(new KmsError('internal', 'the stream has ended')))
  return {
    decrypt({ keyId, sealed, context }) {
      const id = ++lastId
      return new Promise((resolve, reject) => {
        if (failure !== undefined) return reject(failure)
        waiting.set(id, { resolve, reject })
        call.write({ id, request: { keyId, sealed: Buffer.from(sealed), context } })
      })
    },
    close() {
      call.end()
      endpoints.close()
    },
  }
}
