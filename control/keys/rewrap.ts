import { timingSafeEqual } from 'node:crypto'
import { KmsError } from '../errors.ts'
import type { Provider } from '../providers/provider.ts'
import type { EncryptionContext } from '../service.ts'

interface Request {
  readonly keyId: string
  readonly sealed: Uint8Array
  readonly context: EncryptionContext
  readonly signal: AbortSignal
}

/**
 * A data key sealed by the newest version of its master key: by the KMS itself where it may, else opened and sealed again
 * here. What comes of it is opened and compared before anybody relies on it. Errors: those of the provider; internal where
 * the KMS made another key of it.
 */
export async function rewrap(provider: Provider, request: Request): Promise<Uint8Array> {
  const plaintext = await provider.decrypt(request)
  try {
    const { keyId, context, signal } = request
    const sealed =
      (await provider.rewrap?.(request)) ?? (await provider.encrypt({ keyId, plaintext, context, signal }))
    const reopened = await provider.decrypt({ ...request, sealed })
    try {
      if (reopened.length === plaintext.length && timingSafeEqual(reopened, plaintext)) return sealed
      throw new KmsError('internal', `key ${keyId}: what was sealed anew opens as another key`)
    } finally {
      reopened.fill(0)
    }
  } finally {
    plaintext.fill(0)
  }
}
