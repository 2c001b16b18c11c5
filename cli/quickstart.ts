import { randomBytes } from 'node:crypto'
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { makeFolder } from '../files/folder.ts'
import { ConfigError } from './config-error.ts'
import { parseControlParts } from './control-config.ts'
import { hasStore, ownFolder } from './data-folder.ts'
import type { Environment } from './environment.ts'
import { codeOf } from './error-text.ts'
import { parseFrontEnd } from './front-end-config.ts'
import { parseProcesses, type ServerOptions } from './server.ts'
import type { SystemConfig } from './system.ts'
import type { Setting } from './variables.ts'

/** `sealgate quickstart`: a server that makes its own credentials and master key, for trying out. */

const masterKeyId = 'quickstart-key'
const masterKeySize = 32
const accessKeySize = 10
const secretKeySize = 30
const fileMode = 0o600
const directoryMode = 0o700

/** What quickstart decides itself. */
const decided: readonly Setting[] = [
  'accessKey',
  'secretKey',
  'masterKey',
  'masterKeyBase64',
  'vaultEndpoint',
  'vaultRoleId',
  'vaultSecretId',
  'vaultKeyName',
  'autoEncryption',
  'control',
  'gatewayEncryption',
  'readMinio',
]

export interface Quickstart {
  readonly directory: string
  readonly config: SystemConfig
  readonly accessKeyFile: string
  readonly secretKeyFile: string
  readonly masterKeyFile: string
}

/** Makes what is missing. Errors: ConfigError. */
export function prepareQuickstart(
  environment: Environment,
  options: ServerOptions,
  directory: string,
): Quickstart {
  const given = decided.map((setting) => environment.given(setting)).find((found) => found !== undefined)
  if (given !== undefined) {
    throw new ConfigError(`${given.name} is set, but quickstart makes its own keys: use \`sealgate server\``)
  }
  const folder = ownFolder(directory)
  prepareFolder(folder)
  const file = (name: string) => join(folder, name)
  const files = {
    accessKeyFile: file('access-key'),
    secretKeyFile: file('secret-key'),
    masterKeyFile: file('master-key'),
  }
  if (!existsSync(files.masterKeyFile) && hasStore(directory)) {
    throw new ConfigError(`${files.masterKeyFile} is missing, and ${directory} has objects: put the key back`)
  }
  const masterKey = readOrMake(
    files.masterKeyFile,
    () => `${masterKeyId}:${randomBytes(masterKeySize).toString('hex')}`,
  )
  const accessKey = readOrMake(files.accessKeyFile, () =>
    randomBytes(accessKeySize).toString('hex').toUpperCase(),
  )
  const secretKey = readOrMake(files.secretKeyFile, () => randomBytes(secretKeySize).toString('base64url'))
  const match = /^([^:]+):([0-9a-f]{64})$/.exec(masterKey)
  if (match?.[1] === undefined || match[2] === undefined)
    throw new ConfigError(`${files.masterKeyFile} holds no master key`)
  const provider = { kind: 'master-key', keyId: match[1], key: Buffer.from(match[2], 'hex') } as const
  const processes = parseProcesses(environment, options, 'warn')
  return {
    ...files,
    directory,
    config: {
      store: { kind: 'disk', directory },
      frontEnd: parseFrontEnd(environment, {
        address: options.address,
        credential: { accessKey, secretKey },
        autoEncryption: true,
        processes: processes.processes,
      }),
      control: { kind: 'private', control: { provider, ...parseControlParts(environment) } },
      ...processes,
    },
  }
}

function prepareFolder(folder: string): void {
  try {
    makeFolder(folder, directoryMode)
    accessSync(folder, constants.W_OK)
  } catch (error) {
    const reason = codeOf(error) ?? 'an error'
    throw new ConfigError(`${folder} cannot be made or written (${reason})`, { cause: error })
  }
}

/** What a newcomer needs to know; shows no secret. */
export function describeQuickstart(
  { accessKeyFile, secretKeyFile, masterKeyFile, directory, config }: Quickstart,
  { url, admin }: { readonly url: string; readonly admin: string | undefined },
): string {
  const { region } = config.frontEnd.config
  return `Sealgate serves S3 at ${url}, and encrypts every object (SSE-S3).

  Data         ${directory}
  Access key   ${accessKeyFile}
  Secret key   ${secretKeyFile}
  Master key   ${masterKeyFile}
${admin === undefined ? '' : `  Health       ${admin}/readyz\n`}
The master key lies beside the data that it protects: good for trying out, not for secrets.
docs/vault.md shows how to keep it in a Vault.

With the AWS CLI:
  export AWS_ACCESS_KEY_ID="$(cat '${accessKeyFile}')" AWS_SECRET_ACCESS_KEY="$(cat '${secretKeyFile}')" AWS_DEFAULT_REGION=${region}
  aws --endpoint-url ${url} s3 mb s3://photos
  aws --endpoint-url ${url} s3 cp README.md s3://photos/
  aws --endpoint-url ${url} s3api head-object --bucket photos --key README.md

With mc:
  mc alias set sealgate ${url} "$(cat '${accessKeyFile}')" "$(cat '${secretKeyFile}')"
  mc mb --ignore-existing sealgate/photos && mc cp README.md sealgate/photos/ && mc stat sealgate/photos/README.md

Ctrl-C ends it.
`
}

/** The file's text; made where there is no file, at once and never halfway. Errors: ConfigError for one that others can read. */
function readOrMake(path: string, make: () => string): string {
  const stats = statSync(path, { throwIfNoEntry: false })
  if (stats === undefined) {
    const text = make()
    const temporary = `${path}.${randomBytes(8).toString('hex')}`
    const fd = openSync(temporary, 'wx', fileMode)
    try {
      writeSync(fd, `${text}\n`)
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
    try {
      linkSync(temporary, path)
      return text
    } catch (error) {
      // Another quickstart on this folder was first: its file counts.
      if (codeOf(error) !== 'EEXIST') throw error
      return readOrMake(path, make)
    } finally {
      rmSync(temporary)
    }
  }
  if ((stats.mode & 0o077) !== 0) throw new ConfigError(`${path} can be read by others: chmod 600 it`)
  const text = readFileSync(path, 'utf8').trim()
  if (text === '') throw new ConfigError(`${path} is empty`)
  return text
}
