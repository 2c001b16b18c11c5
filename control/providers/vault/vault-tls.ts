import { X509Certificate } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { KmsError } from '../../errors.ts'

/** How undici's connector is to make TLS connections. */
export interface TlsSettings {
  readonly rejectUnauthorized: true
  readonly minVersion: 'TLSv1.2'
  readonly ca?: string[]
  readonly cert?: string
  readonly key?: string
}

/**
 * Reads the certificates. A CA directory takes the place of the system's roots: whoever names its CAs trusts
 * these and no others. `rejectUnauthorized` is said aloud because NODE_TLS_REJECT_UNAUTHORIZED would unsay a default.
 * Errors: not-configured, naming the file.
 */
export function readTlsSettings(config: {
  readonly caPath?: string
  readonly clientTls?: { readonly certFile: string; readonly keyFile: string }
}): TlsSettings {
  const base = { rejectUnauthorized: true, minVersion: 'TLSv1.2' } as const
  const ca = config.caPath === undefined ? {} : { ca: readCaDirectory(config.caPath) }
  if (config.clientTls === undefined) return { ...base, ...ca }
  const { certFile, keyFile } = config.clientTls
  return { ...base, ...ca, cert: readText(certFile), key: readText(keyFile) }
}

/** Every PEM file directly in the directory; a file may hold several certificates. Other files are passed over. */
function readCaDirectory(directory: string): string[] {
  const certificates: string[] = []
  for (const name of listFiles(directory)) {
    const path = join(directory, name)
    if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) continue
    const found = readText(path).match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
    for (const certificate of found) certificates.push(parsed(certificate, path))
  }
  if (certificates.length === 0) {
    throw new KmsError('not-configured', `the CA directory ${directory} holds no PEM certificate`)
  }
  return certificates
}

function listFiles(directory: string): string[] {
  try {
    return readdirSync(directory).sort()
  } catch (cause) {
    throw new KmsError('not-configured', `${directory} is no directory of CA certificates that can be read`, {
      cause,
    })
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new KmsError('not-configured', `${path} cannot be read`, { cause })
  }
}

/** Found broken here, a certificate is named; found broken at the first handshake, it would not be. */
function parsed(certificate: string, path: string): string {
  try {
    new X509Certificate(certificate)
    return certificate
  } catch (cause) {
    throw new KmsError('not-configured', `${path} holds a certificate that cannot be parsed`, { cause })
  }
}
