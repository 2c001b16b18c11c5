import { KmsError } from '../../errors.ts'
import { isKeyId } from '../../key-ids.ts'
import type { KeyAdministration, KeyDescription } from '../provider.ts'
import type { VaultClient, VaultRequest } from './vault-client.ts'
import { VaultError } from './vault-error.ts'
import { grant } from './vault-policy.ts'

/** Makes a call to Vault with the session's token. */
export type Asked = <T>(call: (token: string) => Promise<T>, signal: AbortSignal) => Promise<T>

/**
 * Transit's keys, as operators manage them. The quickstart's policy grants none of it: what is refused says what to
 * grant.
 */
export function createVaultKeys(
  client: Pick<VaultClient, 'request'>,
  { transitMount, asked }: { readonly transitMount: string; readonly asked: Asked },
): KeyAdministration {
  const folder = `${transitMount}/keys`

  const request = async (call: Omit<VaultRequest, 'scope'>, capabilities: string[], signal: AbortSignal) => {
    try {
      return await asked((token) => client.request(token, { ...call, scope: 'keys' }, { signal }), signal)
    } catch (error) {
      throw toKmsError(error, grant(call.path, capabilities))
    }
  }
  const describe = async (keyId: string, signal: AbortSignal) => {
    requireKeyName(keyId)
    const path = `${folder}/${keyId}`
    return parseDescription(keyId, await request({ method: 'GET', path }, ['read'], signal))
  }

  return {
    async list(signal) {
      try {
        const { keys } = await request({ method: 'LIST', path: folder }, ['list'], signal)
        return Array.isArray(keys) ? keys.filter((name) => typeof name === 'string').sort() : []
      } catch (error) {
        // How Vault says that there is none.
        if (error instanceof KmsError && error.code === 'key-not-found') return []
        throw error
      }
    },
    describe,
    async create(keyId, { contextBound, signal }) {
      const existing = await describe(keyId, signal).catch((error: unknown) => {
        if (error instanceof KmsError && error.code === 'key-not-found') return undefined
        throw error
      })
      if (existing !== undefined) throw new KmsError('not-configured', `there is a key "${keyId}" already`)
      const body = { type: 'aes256-gcm96', derived: contextBound }
      await request({ method: 'POST', path: `${folder}/${keyId}`, body }, ['read', 'update'], signal)
      return describe(keyId, signal)
    },
    async rotate(keyId, signal) {
      requireKeyName(keyId)
      await request({ method: 'POST', path: `${folder}/${keyId}/rotate` }, ['update'], signal)
      // To rotate and to read are granted apart.
      return describe(keyId, signal).catch((error: unknown) => {
        if (error instanceof KmsError && error.code === 'access-denied') return { ...unknown, keyId }
        throw error
      })
    },
  }
}

const unknown: Omit<KeyDescription, 'keyId'> = {
  type: '',
  contextBound: false,
  latestVersion: 0,
  minDecryptionVersion: 0,
  minEncryptionVersion: 0,
  latestVersionAtMs: 0,
  deletionAllowed: false,
  exportable: false,
}

function requireKeyName(keyId: string): void {
  if (!isKeyId(keyId)) throw new KmsError('key-not-found', `"${keyId}" is not the name of a transit key`)
}

function toKmsError(error: unknown, needed: string): unknown {
  if (!(error instanceof VaultError)) return error
  const { status, message, refusal } = error
  const options = { cause: error }
  if (status === 403)
    return new KmsError('access-denied', `${message}; the policy must have:\n${needed}`, options)
  if (status === 404 || refusal === 'key-not-found')
    return new KmsError('key-not-found', 'there is no such key', options)
  return new KmsError(status === 400 ? 'not-configured' : 'unavailable', message, options)
}

function parseDescription(keyId: string, data: Readonly<Record<string, unknown>>): KeyDescription {
  const latestVersion = numberOf(data.latest_version)
  return {
    keyId,
    type: typeof data.type === 'string' ? data.type : '',
    contextBound: data.derived === true,
    latestVersion,
    minDecryptionVersion: numberOf(data.min_decryption_version),
    minEncryptionVersion: numberOf(data.min_encryption_version),
    latestVersionAtMs: versionTimeMs(data.keys, latestVersion),
    deletionAllowed: data.deletion_allowed === true,
    exportable: data.exportable === true,
  }
}

/** Symmetric keys have seconds since 1970 by version, others an object with a text. */
function versionTimeMs(keys: unknown, version: number): number {
  if (typeof keys !== 'object' || keys === null) return 0
  const entry: unknown = Object.entries(keys).find(([name]) => name === String(version))?.[1]
  return typeof entry === 'number' ? entry * 1000 : 0
}

function numberOf(value: unknown): number {
  return typeof value === 'number' ? value : 0
}
