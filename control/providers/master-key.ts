import { createHmac, randomBytes } from 'node:crypto'
import { DareError, openBytes, sealBytes } from '../../engine/index.ts'
import type { MasterKeyConfig } from '../config.ts'
import { contextBytes, rawContextBytes } from '../context.ts'
import { KmsError } from '../errors.ts'
import type { EncryptionContext } from '../service.ts'
import { openMinioSealedKey } from './minio-sealed-key.ts'
import { type Check, type KeyDescription, noSession, type Provider } from './provider.ts'

const dataKeySize = 32

/**
 * A master key given directly. Data keys are sealed as MinIO's master-key KMS did (FORMAT.md §3.6): a DARE 2.0 stream under
 * HMAC-SHA256(master key, key id ‖ context); those that MinIO has sealed in its later way, or a KES, are opened, too. Unlike MinIO's, it knows one key id only: another id names a key that is not
 * here, and mixing it in would seal data that an operator believes to be under a different key.
 */
export function createMasterKeyProvider({ keyId: ownKeyId, key }: MasterKeyConfig): Provider {
  // Not slice(): of a Buffer that would be the same memory, which close() zeroes.
  const masterKey = new Uint8Array(key)

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
    return openOwnForm(sealed, context) ?? openMinioSealedKey(masterKey, sealed, context)
  }

  function openOwnForm(sealed: Uint8Array, context: Uint8Array): Uint8Array | undefined {
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

  /** Seals something and opens it again. */
  function check(): Check {
    const sample = randomBytes(dataKeySize)
    const opened = open(seal(sample, {}), contextBytes({}))
    const well = opened !== undefined && sample.equals(opened)
    return {
      name: 'key',
      result: well ? 'ok' : 'failed',
      detail: `master key "${ownKeyId}", given directly: whoever holds it opens every object`,
      remedy: '',
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
    keys: {
      list: async () => [ownKeyId],
      async describe(keyId) {
        requireKey(keyId)
        return describe(keyId)
      },
      create: async () => refuse('create'),
      rotate: async () => refuse('rotate'),
    },
    diagnose: async () => [check()],
    onSessionChange() {},
    async close() {
      masterKey.fill(0)
    },
  }
}

function describe(keyId: string): KeyDescription {
  return {
    keyId,
    type: 'master-key',
    contextBound: true,
    latestVersion: 0,
    minDecryptionVersion: 0,
    minEncryptionVersion: 0,
    latestVersionAtMs: 0,
    deletionAllowed: false,
    exportable: true,
  }
}

function refuse(what: 'create' | 'rotate'): never {
  throw new KmsError(
    'not-configured',
    `a master key given directly is the only key there is: to ${what} keys, use a Vault (docs/control-plane.md, Old master keys)`,
  )
}
