import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createSecureContext } from 'node:tls'
import type { experimental } from '@grpc/grpc-js'
import type { Logger } from 'pino'
import type { MutualTlsFiles } from './config.ts'
import { KmsError } from './errors.ts'

/** The certificate of one side of mutual TLS, read again when its files change, so that it can be renewed under load. */

const pollMs = 1_000

interface Loaded {
  readonly ca: Buffer
  readonly cert: Buffer
  readonly key: Buffer
}

type CaListener = experimental.CaCertificateUpdateListener
type IdentityListener = experimental.IdentityCertificateUpdateListener

/**
 * What gRPC asks for certificates. Files that do not fit together, as while somebody is writing them, leave the certificate
 * in place that worked so far; the next look tries again.
 */
export class CertificateFiles implements experimental.CertificateProvider {
  readonly #files: MutualTlsFiles
  readonly #log: Logger | undefined
  readonly #caListeners = new Set<CaListener>()
  readonly #identityListeners = new Set<IdentityListener>()
  readonly #timer: NodeJS.Timeout
  #loaded: Loaded
  #refused: Loaded | undefined
  #reading = false

  /** Errors: KmsError `unavailable` for files that cannot be read or do not fit together. */
  constructor(
    files: MutualTlsFiles,
    { log, intervalMs = pollMs }: { log?: Logger; intervalMs?: number } = {},
  ) {
    this.#files = files
    this.#log = log
    this.#loaded = read(files)
    this.#timer = setInterval(() => void this.#reread(), intervalMs).unref()
  }

  /** When our own certificate ends, milliseconds since 1970. */
  get expiresAtMs(): number {
    return Date.parse(new X509Certificate(this.#loaded.cert).validTo)
  }

  addCaCertificateListener(listener: CaListener): void {
    this.#caListeners.add(listener)
    process.nextTick(() => listener({ caCertificate: this.#loaded.ca }))
  }

  removeCaCertificateListener(listener: CaListener): void {
    this.#caListeners.delete(listener)
  }

  addIdentityCertificateListener(listener: IdentityListener): void {
    this.#identityListeners.add(listener)
    process.nextTick(() => listener(this.#identity()))
  }

  removeIdentityCertificateListener(listener: IdentityListener): void {
    this.#identityListeners.delete(listener)
  }

  close(): void {
    clearInterval(this.#timer)
  }

  #identity() {
    return { certificate: this.#loaded.cert, privateKey: this.#loaded.key }
  }

  async #reread(): Promise<void> {
    if (this.#reading) return
    this.#reading = true
    try {
      const { caFile, certFile, keyFile } = this.#files
      const [ca, cert, key] = await Promise.all([readFile(caFile), readFile(certFile), readFile(keyFile)])
      const found = { ca, cert, key }
      if (equal(found, this.#loaded) || (this.#refused !== undefined && equal(found, this.#refused))) return
      this.#refused = found
      createSecureContext(found)
      this.#refused = undefined
      this.#loaded = found
      for (const listener of this.#caListeners) listener({ caCertificate: ca })
      for (const listener of this.#identityListeners) listener(this.#identity())
      this.#log?.info({ certFile }, 'the certificate was loaded again')
    } catch (error) {
      // The one that worked so far goes on.
      this.#log?.error(
        { err: error, certFile: this.#files.certFile },
        'the changed certificate cannot be used',
      )
    } finally {
      this.#reading = false
    }
  }
}

function read({ caFile, certFile, keyFile }: MutualTlsFiles): Loaded {
  try {
    const loaded = { ca: readFileSync(caFile), cert: readFileSync(certFile), key: readFileSync(keyFile) }
    createSecureContext(loaded)
    return loaded
  } catch (error) {
    throw new KmsError('unavailable', `the certificate in ${certFile} cannot be used with its key and CA`, {
      cause: error,
    })
  }
}

function equal(a: Loaded, b: Loaded): boolean {
  return a.ca.equals(b.ca) && a.cert.equals(b.cert) && a.key.equals(b.key)
}
