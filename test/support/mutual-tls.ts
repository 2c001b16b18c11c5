import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ControlAddress, MutualTlsFiles } from '../../control/config.ts'
import { identityOfCertificate } from '../../control/server/identity.ts'
import { type Certificate, createAuthority, createCertificate } from './vault/certificates.ts'

/** A folder of certificates of one authority, for control and its clients. */
export interface MutualTls {
  readonly directory: string
  readonly authority: Certificate
  path(name: string): string
  write(name: string, text: string): string
  /** A certificate of this authority in files of its own; made again under the same name, it replaces them. */
  issue(
    name: string,
    authority?: Certificate,
  ): Promise<{ readonly files: MutualTlsFiles; readonly identity: string }>
  close(): void
}

export async function createMutualTls(): Promise<MutualTls> {
  const directory = mkdtempSync(join(tmpdir(), 'sealgate-tls-'))
  const path = (name: string) => join(directory, name)
  const write = (name: string, text: string) => {
    writeFileSync(path(name), text)
    return path(name)
  }
  const authority = await createAuthority('test authority')
  const caFile = write('ca.pem', authority.cert)
  return {
    directory,
    authority,
    path,
    write,
    async issue(name, by = authority) {
      const { cert, key } = await createCertificate(by)
      const files = { certFile: write(`${name}.pem`, cert), keyFile: write(`${name}.key`, key), caFile }
      return { files, identity: identityOfCertificate(cert) }
    },
    close: () => rmSync(directory, { recursive: true, force: true }),
  }
}

/** Where a control service that was started on port 0 listens, as a client with these certificates names it. */
export function tcpAddress(address: string, tls: MutualTlsFiles): ControlAddress {
  const [host = '', port = ''] = address.split(':')
  return { kind: 'tcp', host, port: Number(port), tls }
}
