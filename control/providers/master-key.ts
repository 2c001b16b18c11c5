import { createHmac, randomBytes } from 'node:crypto'
import { DareError, openBytes, sealBytes } from '../../engine/index.ts'
import type { EncryptionContext } from '../client.ts'
import type { MasterKeyConfig } from '../config.ts'
import { contextBytes, rawContextBytes } from '../context.ts'
import { KmsError } from '../errors.ts'
import type { Provider, SessionStatus } from './provider.ts'

const dataKeySize = 32

const noSession: SessionStatus = {
  state: 'none',
  ready: true,
  reason: '',
  tokenExpiresAtMs: 0,
  lastLoginAtMs: 0,
  lastRenewalAtMs: 0,
  logins: 0,
  renewals: 0,
}

/**
 * A master key given directly. Data keys are sealed as MinIO's master-key KMS did (FORMAT.md §3.6): a DARE 2.0 stream under
 * HMAC-SHA256(master key, key id ‖ context). Unlike MinIO's, it knows one key id only: another id names a key that is not
 * here, and mixing it in would seal data that an operator believes to be under a different key.
 */
export function createMasterKeyProvider({ keyId: ownKeyId, key }: MasterKeyConfig): Provider {
  const masterKey = key.slice()

  function requireKey(keyId: string): void {
    if (keyId !== ownKeyId) throw new KmsError('key-not-found', `there is no master key with id ${keyId}`)
  }

  function wrappingKey(context: Uint8Array): Uint8Array {
    return createHmac('sha256', masterKey).update(ownKeyId, 'utf8').update(context).digest()
  }

  function seal(plaintext: Uint8Array, context: EncryptionContext): Uint8Array {
    const wrapping = wrappingKey(contextBytes(context))
    try {
      return sealBytes(wrapping, plaintext)
    } finally {
      wrapping.fill(0)
    }
  }

  function open(sealed: Uint8Array, context: Uint8Array): Uint8Array | undefined {
    const wrapping = wrappingKey(context)
    try {
      return openBytes(wrapping, sealed)
    } catch (error) {
      if (error instanceof DareError) return undefined
      throw error
    } finally {
      wrapping.fill(0)
    }
  }

  return {
    name: 'master-key',
    defaultKeyId: ownKeyId,
    start() {},
    async generateDataKey({ keyId, context }) {
      requireKey(keyId)
      const plaintext = new Uint8Array(randomBytes(dataKeySize))
      return { plaintext, sealed: seal(plaintext, context) }
    },
    async decrypt({ keyId, sealed, context }) {
      requireKey(keyId)
      const plaintext = open(sealed, contextBytes(context)) ?? open(sealed, rawContextBytes(context))
      if (plaintext === undefined || plaintext.length === 0) {
        throw new KmsError('invalid-ciphertext', 'the sealed key does not belong to this key id and context')
      }
      return plaintext
    },
    async encrypt({ keyId, plaintext, context }) {
      requireKey(keyId)
      return seal(plaintext, context)
    },
    session: () => noSession,
    onSessionChange() {},
    async close() {
      masterKey.fill(0)
    },
  }
}
