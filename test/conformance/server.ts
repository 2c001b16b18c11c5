import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { freePort } from '../../bench/support/programs.ts'
import { createAuthority, createCertificate } from '../support/vault/certificates.ts'
import { startVaultSimulator } from '../support/vault-simulator.ts'

/** A server of this build, as its users start it, with the accounts and keys that the suite needs. */
export interface ConformanceServer {
  readonly port: number
  /** The authority of its certificate, where it speaks HTTPS. */
  readonly caFile?: string
  readonly accounts: Accounts
  /** For the suite's own files. */
  readonly directory: string
  close(): Promise<void>
}

export interface Account {
  readonly accessKey: string
  readonly secretKey: string
  readonly id: string
  readonly name: string
  readonly email: string
}

export type Accounts = Readonly<Record<'main' | 'alt' | 'tenant', Account>>

/** Two of the suite's tests name these keys. */
const keyNames = ['testkey-1', 'testkey-2']
const startMsMax = 30_000
const probeMs = 100

export async function startServer(options: {
  readonly https: boolean
  readonly autoEncryption: boolean
}): Promise<ConformanceServer> {
  const directory = mkdtempSync(join(tmpdir(), 'sealgate-conformance-'))
  const vault = await startVaultSimulator()
  const policy = keyNames
    .flatMap((key) => ['datakey/plaintext', 'decrypt', 'encrypt'].map((path) => `transit/${path}/${key}`))
    .map((path) => `path "${path}" {\n  capabilities = [ "read", "update"]\n}\n`)
    .join('')
  const credentials = await vault.setUpSeed({ keyName: keyNames[0] ?? '', policy })
  for (const key of keyNames.slice(1)) await vault.admin()('PUT', `transit/keys/${key}`, {})
  const accounts = makeAccounts()
  const usersFile = join(directory, 'users.json')
  writeFileSync(usersFile, JSON.stringify({ users: Object.values(accounts) }), { mode: 0o600 })
  const tls = options.https ? await writeCertificate(directory) : undefined
  const port = await freePort()
  const logFile = join(tmpdir(), `sealgate-conformance-${port}.log`)
  const child = startProcess(directory, logFile, {
    SEALGATE_ACCESS_KEY: 'conformance-root',
    SEALGATE_SECRET_KEY: randomBytes(20).toString('hex'),
    SEALGATE_USERS_FILE: usersFile,
    SEALGATE_ADDRESS: `127.0.0.1:${port}`,
    // The suite takes access control lists to count by default.
    SEALGATE_OBJECT_OWNERSHIP: 'ObjectWriter',
    // Some of its clients sign headers with Signature V2.
    SEALGATE_SIGV2: 'all',
    SEALGATE_ADMIN_ADDRESS: 'off',
    SEALGATE_CONTROL_ADMIN_ADDRESS: 'off',
    SEALGATE_KMS_VAULT_ENDPOINT: vault.endpoint,
    SEALGATE_KMS_VAULT_APPROLE_ID: credentials.roleId,
    SEALGATE_KMS_VAULT_APPROLE_SECRET: credentials.secretId,
    SEALGATE_KMS_VAULT_KEY_NAME: credentials.keyName,
    ...(tls === undefined
      ? { SEALGATE_ALLOW_SSEC_OVER_HTTP: 'on' }
      : { SEALGATE_TLS_CERT_FILE: tls.certFile, SEALGATE_TLS_KEY_FILE: tls.keyFile }),
    ...(options.autoEncryption && { SEALGATE_AUTO_ENCRYPTION: 'on' }),
  })
  const close = async () => {
    await end(child)
    await vault.close()
    rmSync(directory, { recursive: true, force: true })
  }
  try {
    await untilListening(port, child)
  } catch (error) {
    await close()
    throw error
  }
  console.log(`the server's log: ${logFile}`)
  return { port, ...(tls !== undefined && { caFile: tls.caFile }), accounts, directory, close }
}

function makeAccounts(): Accounts {
  const account = (name: string, more: object = {}) => ({
    accessKey: randomBytes(10).toString('hex').toUpperCase(),
    secretKey: randomBytes(20).toString('hex'),
    id: randomBytes(32).toString('hex'),
    name,
    email: `${name}@example.com`,
    ...more,
  })
  return { main: account('main'), alt: account('alt'), tenant: account('tenant', { tenant: 'testx' }) }
}

function startProcess(
  directory: string,
  logFile: string,
  variables: Readonly<Record<string, string>>,
): ChildProcess {
  const program = fileURLToPath(import.meta.resolve('../../cli/main.js'))
  const output = openSync(logFile, 'w')
  return spawn(process.execPath, [program, 'server', join(directory, 'data')], {
    stdio: ['ignore', output, output],
    env: { PATH: process.env.PATH ?? '', SEALGATE_LOG_LEVEL: 'info', ...variables },
  })
}

async function writeCertificate(directory: string) {
  const authority = await createAuthority('conformance')
  const { cert, key } = await createCertificate(authority)
  const files = { caFile: join(directory, 'ca.pem'), certFile: join(directory, 'cert.pem') }
  const keyFile = join(directory, 'key.pem')
  writeFileSync(files.caFile, authority.cert)
  writeFileSync(files.certFile, cert)
  writeFileSync(keyFile, key, { mode: 0o600 })
  return { ...files, keyFile }
}

async function untilListening(port: number, child: ChildProcess): Promise<void> {
  const until = Date.now() + startMsMax
  while (Date.now() < until) {
    if (child.exitCode !== null) throw new Error(`the server ended with ${child.exitCode}: see its log`)
    const answer = await fetch(`http://127.0.0.1:${port}/`).catch((error: unknown) => error)
    // A TLS listener answers plain HTTP by hanging up: that is an answer, too.
    const refused = answer instanceof Error && String(answer.cause).includes('ECONNREFUSED')
    if (!refused) return
    await sleep(probeMs)
  }
  throw new Error(`the server does not listen after ${startMsMax} ms`)
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  await ended
}
