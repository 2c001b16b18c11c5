import { X509Certificate } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import type { experimental } from '@grpc/grpc-js'
import type { Logger } from 'pino'
import { tellCertificateEnd } from '../files/certificate-end.ts'
import { type Followed, followFiles } from '../files/followed-files.ts'
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
 * in place that worked so far.
 */
export class CertificateFiles implements experimental.CertificateProvider {
  readonly #followed: Followed<Loaded>
  readonly #caListeners = new Set<CaListener>()
  readonly #identityListeners = new Set<IdentityListener>()
  readonly #stopTelling: () => void

  /** Errors: KmsError `unavailable` for files that cannot be read or do not fit together. */
  constructor(
    { caFile, certFile, keyFile }: MutualTlsFiles,
    { log, intervalMs = pollMs }: { log?: Logger; intervalMs?: number } = {},
  ) {
    try {
      this.#followed = followFiles([caFile, certFile, keyFile], toLoaded, {
        intervalMs,
        changed: (loaded) => {
          for (const listener of this.#caListeners) listener({ caCertificate: loaded.ca })
          for (const listener of this.#identityListeners) listener(toIdentity(loaded))
          log?.info({ certFile }, 'the certificate was loaded again')
        },
        // The one that worked so far goes on.
        refused: (error) => log?.error({ err: error, certFile }, 'the changed certificate cannot be used'),
      })
    } catch (error) {
      const message = `the certificate in ${certFile} cannot be used with its key and CA`
      throw new KmsError('unavailable', message, { cause: error })
    }
    this.#stopTelling =
      log === undefined ? () => {} : tellCertificateEnd(certFile, () => this.expiresAtMs, { log })
  }

  /** When our own certificate ends, milliseconds since 1970. */
  get expiresAtMs(): number {
    return Date.parse(new X509Certificate(this.#followed.current().cert).validTo)
  }

  addCaCertificateListener(listener: CaListener): void {
    this.#caListeners.add(listener)
    process.nextTick(() => listener({ caCertificate: this.#followed.current().ca }))
  }

  removeCaCertificateListener(listener: CaListener): void {
    this.#caListeners.delete(listener)
  }

  addIdentityCertificateListener(listener: IdentityListener): void {
    this.#identityListeners.add(listener)
    process.nextTick(() => listener(toIdentity(this.#followed.current())))
  }

  removeIdentityCertificateListener(listener: IdentityListener): void {
    this.#identityListeners.delete(listener)
  }

  close(): void {
    this.#stopTelling()
    this.#followed.close()
  }
}

/** Errors: where they do not fit together. */
function toLoaded([ca, cert, key]: readonly Buffer[]): Loaded {
  if (ca === undefined || cert === undefined || key === undefined) throw new Error('there are three files')
  createSecureContext({ ca, cert, key })
  return { ca, cert, key }
}

function toIdentity({ cert, key }: Loaded) {
  return { certificate: cert, privateKey: key }
}
