import { timingSafeEqual } from 'node:crypto'
import { epochIdOf, type KeyService, type SealedKey } from '../../control/client.ts'
import { KmsError } from '../../control/errors.ts'
import { toHex } from '../text.ts'

/** How many keys are moved at once. */
const movesInFlight = 8

/** A key under another master key than before. */
export interface MovedKey {
  readonly keyId: string
  readonly sealed: Uint8Array
}

/** Whether a plaintext is the one that must be there. Errors: those of {@link moveKey} for what it finds. */
export type Expected = (plaintext: Uint8Array) => boolean

/**
 * Seals a key under another master key: opened, looked at, sealed, opened again and compared, before anybody relies on it. The
 * service need not know of moves, so that a control of before does it as well. Errors: those of the key service; KmsError
 * `invalid-ciphertext` for what is not expected, `internal` where the KMS made another key of it.
 */
export async function moveKey(
  service: KeyService,
  { keyId, sealed, context }: SealedKey,
  { to, expected }: { readonly to: string; readonly expected: Expected },
): Promise<MovedKey> {
  const plaintext = await service.decrypt({ keyId, sealed, context })
  try {
    if (!expected(plaintext))
      throw new KmsError('invalid-ciphertext', `what is under key ${keyId} is not what its name says`)
    const moved = await service.encrypt({ keyId: to, plaintext, context })
    const reopened = await service.decrypt({ keyId: to, sealed: moved.sealed, context })
    try {
      if (reopened.length === plaintext.length && timingSafeEqual(reopened, plaintext))
        return { keyId: to, sealed: moved.sealed }
      throw new KmsError('internal', `what was sealed under key ${to} opens as another key`)
    } finally {
      reopened.fill(0)
    }
  } finally {
    plaintext.fill(0)
  }
}

/** As {@link moveKey} of several, each with its own outcome, in their order. Errors: what is no KmsError. */
export async function moveKeys(
  service: KeyService,
  keys: readonly (SealedKey & { readonly expected: Expected })[],
  to: string,
): Promise<readonly (MovedKey | KmsError)[]> {
  const results: (MovedKey | KmsError)[] = []
  for (let index = 0; index < keys.length; index += movesInFlight) {
    const moving = keys
      .slice(index, index + movesInFlight)
      .map(({ expected, ...key }) => moveKey(service, key, { to, expected }).catch(unlessFault))
    results.push(...(await Promise.all(moving)))
  }
  return results
}

/** The data key of the epoch of that id, in hexadecimal. */
export function isOfEpoch(id: string): Expected {
  return (dataKey) => toHex(epochIdOf(dataKey)) === id
}

function unlessFault(error: unknown): KmsError {
  if (error instanceof KmsError) return error
  throw error
}
