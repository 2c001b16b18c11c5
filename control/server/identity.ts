import { createHash, X509Certificate } from 'node:crypto'
import type { PeerCertificate } from 'node:tls'
import { KmsError } from '../errors.ts'

/** Who a client is: what policy grants to, what limits count for, what audit writes. */
export interface Caller {
  /** `sha256:` and 64 hexadecimal digits for a certificate, `unix:` and the user id for the owner of the Unix socket. */
  readonly identity: string
  /** Where it comes from, `ADDRESS:PORT`, or `unix`. */
  readonly peer: string
}

/** What is looked at of a gRPC call. */
export interface PeerCall {
  getPeer(): string
  getAuthContext(): { readonly sslPeerCertificate?: PeerCertificate }
}

/** Certificates whose identity is remembered; a server meets a few dozen. */
const rememberedMax = 1_000

/**
 * The identity that a certificate gives: SHA-256 of its public key (SubjectPublicKeyInfo, DER), so that a certificate renewed
 * for the same key keeps it. `certificate` is PEM or DER. Errors: whatever node:crypto says of what is not a certificate.
 */
export function identityOfCertificate(certificate: Uint8Array | string): string {
  const { publicKey } = new X509Certificate(certificate)
  const der = publicKey.export({ type: 'spki', format: 'der' })
  return `sha256:${createHash('sha256').update(der).digest('hex')}`
}

/** Tells who calls. */
export class Identities {
  readonly #unix: Caller | undefined
  readonly #remembered = new Map<string, { readonly identity: string; readonly endsAtMs: number }>()

  constructor(transport: 'unix' | 'tcp') {
    // The socket has mode 0600: whoever reaches it is its owner, which is us.
    this.#unix =
      transport === 'unix' ? { identity: `unix:${process.getuid?.() ?? 0}`, peer: 'unix' } : undefined
  }

  /** Errors: KmsError `access-denied` for a certificate that is missing or has ended since it connected. */
  of(call: PeerCall): Caller {
    if (this.#unix !== undefined) return this.#unix
    const certificate = call.getAuthContext().sslPeerCertificate
    if (certificate === undefined) throw new KmsError('access-denied', 'the client has shown no certificate')
    const { identity, endsAtMs } = this.#lookUp(certificate)
    if (endsAtMs < Date.now()) throw new KmsError('access-denied', 'the client certificate has ended')
    return { identity, peer: call.getPeer() }
  }

  /** As {@link of}, for the log: whoever is refused as well. Nothing over the Unix socket, where it is always us. */
  shown(call: PeerCall): Partial<Caller> {
    if (this.#unix !== undefined) return {}
    const certificate = call.getAuthContext().sslPeerCertificate
    const peer = call.getPeer()
    return certificate === undefined ? { peer } : { identity: this.#lookUp(certificate).identity, peer }
  }

  #lookUp({ fingerprint256, raw, valid_to }: PeerCertificate) {
    const known = this.#remembered.get(fingerprint256)
    if (known !== undefined) return known
    const found = { identity: identityOfCertificate(raw), endsAtMs: Date.parse(valid_to) }
    if (this.#remembered.size >= rememberedMax) this.#remembered.clear()
    this.#remembered.set(fingerprint256, found)
    return found
  }
}
