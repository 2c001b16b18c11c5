import type { ControlConfig, MasterKeyConfig, SecretSource, VaultConfig } from '../control/config.ts'
import { isKeyId, isMount, isNamespace, keyIdRule, readTlsSettings } from '../control/settings.ts'
import { parseUrl } from './addresses.ts'
import { parseCertificate } from './certificate-files.ts'
import { ConfigError } from './config-error.ts'
import { type Environment, nameOf } from './environment.ts'
import type { Setting } from './variables.ts'

const vaultSettings = [
  'vaultEndpoint',
  'vaultAuthType',
  'vaultRoleId',
  'vaultSecretId',
  'vaultWrappedSecretId',
  'vaultKeyName',
  'vaultKeyVersion',
  'vaultNamespace',
  'vaultLoginNamespace',
  'vaultCaPath',
  'vaultClientCert',
  'vaultClientKey',
  'vaultTransitMount',
  'vaultAppRoleMount',
] as const satisfies readonly Setting[]

/** Old keys; more are refused. */
const oldKeysMax = 1_000

/** Transit counts versions from 1, in 32 bits. */
const keyVersionMax = 2 ** 31 - 1

/** The KMS that the environment names, if it names one. Errors: ConfigError for two of them, and for half of one. */
export function parseKms(environment: Environment): MasterKeyConfig | VaultConfig | undefined {
  const masterKey = environment.given('masterKey')
  const secretKey = environment.given('masterKeyBase64')
  if (masterKey !== undefined && secretKey !== undefined) {
    throw new ConfigError(`${masterKey.name} and ${secretKey.name} both give a master key: unset one of them`)
  }
  const vault = vaultSettings
    .map((setting) => environment.given(setting))
    .find((given) => given !== undefined)
  const direct = masterKey ?? secretKey
  if (direct !== undefined && vault !== undefined) {
    throw new ConfigError(`${direct.name} and ${vault.name} name two KMSs: unset one of them`)
  }
  if (masterKey !== undefined) return parseMasterKey(environment)
  if (secretKey !== undefined) return parseSecretKey(environment)
  return vault === undefined ? undefined : parseVault(environment, vault.name)
}

function parseMasterKey(environment: Environment): MasterKeyConfig {
  const { name, value } = required(environment, 'masterKey', '')
  const key = fromHex(value)
  if (key === undefined) throw new ConfigError(`${name} must be a key id, a colon and 64 hexadecimal digits`)
  return toMasterKey(name, key)
}

function parseSecretKey(environment: Environment): MasterKeyConfig {
  const { name, value } = required(environment, 'masterKeyBase64', '')
  const key = fromBase64(value)
  if (key === undefined) throw new ConfigError(`${name} must be a key id, a colon and 32 bytes in base64`)
  return toMasterKey(name, key)
}

/** Master keys of before, in either spelling, with white space between them. Errors: ConfigError. */
export function parseOldKeys(environment: Environment): Pick<ControlConfig, 'oldKeys'> {
  const found = environment.find('oldKeys')
  if (found === undefined) return {}
  const { name, value } = found
  const entries = value.split(/\s+/).filter((entry) => entry !== '')
  if (entries.length === 0) throw new ConfigError(`${name} has no key`)
  if (entries.length > oldKeysMax) throw new ConfigError(`${name} has more than ${oldKeysMax} keys`)
  const oldKeys = entries.map((entry, index) => {
    const key = fromHex(entry) ?? fromBase64(entry)
    if (key !== undefined) return toMasterKey(name, key)
    const form = 'a key id, a colon, and 64 hexadecimal digits or 32 bytes in base64'
    throw new ConfigError(`${name}: key ${index + 1} must be ${form}`)
  })
  return { oldKeys }
}

interface GivenKey {
  readonly keyId: string
  readonly key: Uint8Array
}

/** `ID:HEX`, the hex of 32 bytes: what MinIO takes. */
function fromHex(text: string): GivenKey | undefined {
  const [, keyId, hex] = /^([^:]+):([0-9a-fA-F]{64})$/.exec(text) ?? []
  return keyId === undefined || hex === undefined ? undefined : { keyId, key: Buffer.from(hex, 'hex') }
}

/** `ID:BASE64`, of 32 bytes: MinIO's later spelling. */
function fromBase64(text: string): GivenKey | undefined {
  const [, keyId, base64 = ''] = /^([^:]+):([0-9a-zA-Z+/]{43}=)$/.exec(text) ?? []
  const key = Buffer.from(base64, 'base64')
  return keyId === undefined || key.toString('base64') !== base64 ? undefined : { keyId, key }
}

function toMasterKey(name: string, { keyId, key }: GivenKey): MasterKeyConfig {
  return { kind: 'master-key', keyId: parseKeyId(name, keyId), key }
}

function parseVault(environment: Environment, because: string): VaultConfig {
  const authType = environment.find('vaultAuthType')
  if (authType !== undefined && authType.value.toLowerCase() !== 'approle') {
    throw new ConfigError(`${authType.name} must be approle`)
  }
  const endpoint = parseEndpoint(required(environment, 'vaultEndpoint', because))
  const roleId = required(environment, 'vaultRoleId', because).value
  const secretId = parseSecretId(environment, because)
  const keyName = required(environment, 'vaultKeyName', because)
  const caPath = parseCaPath(environment)
  const namespace = parseNamespace(environment, 'vaultNamespace')
  const loginNamespace = parseNamespace(environment, 'vaultLoginNamespace')
  const clientTls = parseCertificate(environment, 'vaultClientCert', 'vaultClientKey')
  return {
    kind: 'vault',
    endpoint,
    roleId,
    secretId,
    keyName: parseKeyId(keyName.name, keyName.value),
    keyVersion: environment.integer('vaultKeyVersion', { min: 0, max: keyVersionMax }, 0),
    ...(namespace !== undefined && { namespace }),
    ...(loginNamespace !== undefined && { loginNamespace }),
    ...(caPath !== undefined && { caPath }),
    ...(clientTls !== undefined && { clientTls }),
    transitMount: parseMount(environment, 'vaultTransitMount', 'transit'),
    appRoleMount: parseMount(environment, 'vaultAppRoleMount', 'approle'),
  }
}

function required(environment: Environment, setting: Setting, because: string) {
  const found = environment.find(setting)
  if (found === undefined) throw new ConfigError(`${nameOf(setting)} must be set, as ${because} is`)
  return found
}

function parseEndpoint({ name, value }: { readonly name: string; readonly value: string }): string {
  const url = parseUrl(name, value)
  if (!/^\/*$/.test(url.pathname)) throw new ConfigError(`${name} must be a URL without a path`)
  return url.origin
}

/** What is no key id the service would refuse with every request. */
function parseKeyId(name: string, keyId: string): string {
  if (!isKeyId(keyId)) throw new ConfigError(`the key id in ${name} may have ${keyIdRule}`)
  return keyId
}

function parseMount(environment: Environment, setting: Setting, otherwise: string): string {
  const found = environment.find(setting)
  if (found === undefined) return otherwise
  const mount = found.value.replace(/^\/+|\/+$/g, '')
  if (!isMount(mount)) {
    throw new ConfigError(`${found.name} must be a mount's path`)
  }
  return mount
}

/** The secret id, or a wrapping token for it. */
function parseSecretId(environment: Environment, because: string): SecretSource {
  const plain = environment.given('vaultSecretId')
  const wrapped = environment.given('vaultWrappedSecretId')
  if (plain !== undefined && wrapped !== undefined) {
    throw new ConfigError(`${plain.name} and ${wrapped.name} are both set: unset one of them`)
  }
  const given = plain ?? wrapped
  if (given === undefined) throw new ConfigError(`${nameOf('vaultSecretId')} must be set, as ${because} is`)
  // A file that is unreadable now is a mistake, though it is read again at every login.
  environment.find(plain === undefined ? 'vaultWrappedSecretId' : 'vaultSecretId')
  const mark = plain === undefined ? { wrapped: true as const } : {}
  return given.kind === 'file'
    ? { kind: 'file', path: given.path, ...mark }
    : { kind: 'value', value: Buffer.from(given.value), ...mark }
}

/** `/` alone is the root namespace. */
function parseNamespace(environment: Environment, setting: Setting): string | undefined {
  const found = environment.find(setting)
  if (found === undefined) return undefined
  if (!isNamespace(found.value)) throw new ConfigError(`${found.name} must be a namespace's path`)
  return found.value.replace(/^\/+|\/+$/g, '')
}

function parseCaPath(environment: Environment): string | undefined {
  const found = environment.find('vaultCaPath')
  if (found === undefined) return undefined
  try {
    readTlsSettings({ caPath: found.value })
  } catch (error) {
    const message = `${found.name} must name a directory of CA certificates (PEM) that can be read`
    throw new ConfigError(message, { cause: error })
  }
  return found.value
}
