import { randomBytes } from 'node:crypto'
import type { Check } from '../provider.ts'
import type { TransitOperation } from './vault-client.ts'
import type { Patient } from './vault-doctor.ts'
import { namespaceFlag } from './vault-doctor-login.ts'
import { VaultError } from './vault-error.ts'

const sampleSize = 32

/** The whole way of a data key, there and back; and whether Vault binds it to its context. */
export async function checkKey(patient: Patient): Promise<readonly Check[]> {
  const { config } = patient
  const name = 'key'
  try {
    const { ciphertext } = await transit(patient, 'datakey/plaintext', { context: contextOf('one') })
    await transit(patient, 'decrypt', { ciphertext, context: contextOf('one') })
    const detail = `a data key under "${config.keyName}" was made (${versionOf(ciphertext)}) and opened again`
    return [{ name, result: 'ok', detail, remedy: '' }, await checkBinding(patient)]
  } catch (error) {
    const detail = error instanceof Error ? error.message : 'unknown'
    return [{ name, result: 'failed', detail, remedy: keyRemedy(patient, error) }]
  }
}

async function checkBinding(patient: Patient): Promise<Check> {
  const { config } = patient
  const name = 'context'
  const plaintext = randomBytes(sampleSize).toString('base64')
  const { ciphertext } = await transit(patient, 'encrypt', { plaintext, context: contextOf('one') })
  const bound = await transit(patient, 'decrypt', { ciphertext, context: contextOf('two') }).then(
    () => false,
    (error: unknown) => {
      if (error instanceof VaultError && error.refusal === 'ciphertext') return true
      throw error
    },
  )
  const detail = bound
    ? `"${config.keyName}" is derived: vault itself binds each data key to its bucket`
    : `"${config.keyName}" is not derived: vault ignores the context, and the object's envelope alone binds it to its name`
  return { name, result: 'ok', detail, remedy: '' }
}

function keyRemedy({ config }: Patient, error: unknown): string {
  const key = `${namespaceFlag(config.namespace)} ${config.transitMount}/keys/${config.keyName}`
  if (!(error instanceof VaultError)) return ''
  switch (error.refusal) {
    case 'key-not-found':
      return [
        `vault list${namespaceFlag(config.namespace)} ${config.transitMount}/keys   # is it there under another name, or is this another vault, or one restored from before it?`,
        `vault write -f${key}   # only where nothing was ever sealed under it: a new key of the same name opens nothing`,
      ].join('\n')
    case 'key-type':
      return `vault read${key}   # its type cannot encrypt: SEALGATE_KMS_VAULT_KEY_NAME must be a key of one that can, aes256-gcm96 for instance`
    case 'soft-deleted':
      return `vault write -f${key}/soft-delete-restore`
    case 'key-version':
      return `vault read${key}   # SEALGATE_KMS_VAULT_KEY_VERSION must be one of its versions; unset it for the newest`
    case 'version-too-old':
      return `vault read${key}   # min_decryption_version is above what is sealed with`
    default:
      if (error.status === 429) {
        return 'vault list sys/quotas/rate-limit   # a quota of vault holds calls back: raise it for this role and mount'
      }
      return error.status === 404 || error.status === 403
        ? `vault secrets list${namespaceFlag(config.namespace)}   # ${config.transitMount}/ must be there: else SEALGATE_KMS_VAULT_TRANSIT_MOUNT or SEALGATE_KMS_VAULT_NAMESPACE is wrong`
        : ''
  }
}

/** Past the circuit: a doctor looks at what is away, too. */
function transit({ config, client, session, signal }: Patient, operation: TransitOperation, body: object) {
  const request = { operation, keyName: config.keyName, body }
  return session.run((token) => client.transit(token, request, { signal }), signal)
}

function contextOf(text: string): string {
  return Buffer.from(`{"sealgate doctor":"${text}"}`).toString('base64')
}

/** `v7` of `vault:v7:…`, for people. */
function versionOf(ciphertext: unknown): string {
  const match = typeof ciphertext === 'string' ? /^vault:(v\d+):/.exec(ciphertext) : null
  return match?.[1] ?? 'version unknown'
}
