import { randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Program, startProgram } from '../support/program.ts'
import { makeScratch } from '../support/scratch.ts'
import { createAuthority, createCertificate } from '../support/vault/certificates.ts'
import type { Site } from './driver.ts'

/** `sealgate server` on one store, over HTTP or HTTPS, as its users start it. */
export interface ClientServer {
  readonly site: Site
  /** An address that takes plain HTTP, for looking on. */
  readonly httpUrl: string
  readonly storeDirectory: string
  close(): Promise<void>
}

const kmsKeyId = 'my-minio-key'
const customerKey = '32byteslongsecretkeymustprovided'

export async function startClientServer(options: {
  readonly scheme: 'http' | 'https'
  readonly autoEncryption: boolean
}): Promise<ClientServer> {
  const scratch = makeScratch('clients')
  const [directory, storeDirectory] = [join(scratch.path, 'client'), join(scratch.path, 'store')]
  mkdirSync(directory)
  const authority = await createAuthority('clients')
  const { cert, key } = await createCertificate(authority)
  const files = {
    ca: join(scratch.path, 'ca.pem'),
    cert: join(scratch.path, 'c.pem'),
    key: join(scratch.path, 'k.pem'),
  }
  writeFileSync(files.ca, authority.cert)
  writeFileSync(files.cert, cert)
  writeFileSync(files.key, key, { mode: 0o600 })
  const customerKeyFile = join(scratch.path, 'customer-key')
  writeFileSync(customerKeyFile, customerKey, { mode: 0o600 })
  const [accessKey, secretKey] = [randomBytes(10).toString('hex'), randomBytes(20).toString('hex')]
  const env = {
    SEALGATE_ACCESS_KEY: accessKey,
    SEALGATE_SECRET_KEY: secretKey,
    SEALGATE_ADMIN_ADDRESS: 'off',
    SEALGATE_CONTROL_ADMIN_ADDRESS: 'off',
    SEALGATE_KMS_MASTER_KEY: `${kmsKeyId}:${randomBytes(32).toString('hex')}`,
    ...(options.autoEncryption && { SEALGATE_AUTO_ENCRYPTION: 'on' }),
  }
  const programs: Program[] = []
  const start = async (more: Readonly<Record<string, string>>) => {
    const program = startProgram(['server', '--address', '127.0.0.1:0', storeDirectory], { ...env, ...more })
    programs.push(program)
    const [url = ''] = await program.output(/https?:\/\/127\.0\.0\.1:\d+/)
    return url
  }
  const close = async () => {
    for (const program of programs) await program.end()
    scratch.remove()
  }
  try {
    const httpUrl = await start({ SEALGATE_ALLOW_SSEC_OVER_HTTP: 'on' })
    const tls = { SEALGATE_TLS_CERT_FILE: files.cert, SEALGATE_TLS_KEY_FILE: files.key }
    // A second process on the same store.
    const url = options.scheme === 'http' ? httpUrl : await start(tls)
    const region = 'us-east-1'
    const site = {
      url,
      accessKey,
      secretKey,
      region,
      caFile: files.ca,
      kmsKeyId,
      customerKey,
      customerKeyFile,
      directory,
    }
    return { site, httpUrl, storeDirectory, close }
  } catch (error) {
    await close()
    throw error
  }
}
