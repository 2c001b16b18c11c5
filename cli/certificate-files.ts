import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createSecureContext } from 'node:tls'
import { ConfigError } from './config-error.ts'
import { type Environment, nameOf } from './environment.ts'
import type { Setting } from './variables.ts'

/** A setting that names a file. */
interface NamedFile {
  readonly name: string
  readonly value: string
}

/** The files of a certificate and its private key, where both are named. Errors: ConfigError where one is, and as below. */
export function parseCertificate(
  environment: Environment,
  certificate: Setting,
  privateKey: Setting,
): { readonly certFile: string; readonly keyFile: string } | undefined {
  const [certFile, keyFile] = [environment.find(certificate), environment.find(privateKey)]
  if (certFile === undefined && keyFile === undefined) return undefined
  if (certFile === undefined) throw new ConfigError(`${nameOf(certificate)} must be set, as its key is`)
  if (keyFile === undefined) throw new ConfigError(`${nameOf(privateKey)} must be set, as its certificate is`)
  requireCertificate(certFile, keyFile)
  return { certFile: certFile.value, keyFile: keyFile.value }
}

/** Errors: ConfigError for files that cannot be read, or that are no certificate with its private key. */
export function requireCertificate(certificate: NamedFile, privateKey: NamedFile): void {
  const [cert, key] = [read(certificate), read(privateKey)]
  demand(
    () => createSecureContext({ cert }),
    `${certificate.name} names a file that holds no certificate (PEM)`,
  )
  demand(
    () => createSecureContext({ key }),
    `${privateKey.name} names a file that holds no private key (PEM, not encrypted)`,
  )
  demand(
    () => createSecureContext({ cert, key }),
    `${privateKey.name} names a file that holds another key than that of the certificate of ${certificate.name}`,
  )
}

/** Errors: ConfigError for a file that cannot be read, or that does not begin with a certificate. */
export function requireAuthorities(file: NamedFile): void {
  const pem = read(file)
  demand(() => new X509Certificate(pem), `${file.name} names a file that holds no certificate (PEM)`)
}

function read({ name, value }: NamedFile): Buffer {
  try {
    return readFileSync(value)
  } catch (error) {
    throw new ConfigError(`${name} names a file that cannot be read`, { cause: error })
  }
}

function demand(attempt: () => unknown, message: string): void {
  try {
    attempt()
  } catch (error) {
    throw new ConfigError(message, { cause: error })
  }
}
