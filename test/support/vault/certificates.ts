import { generate } from 'selfsigned'

export interface Certificate {
  readonly cert: string
  readonly key: string
}

/** A certificate authority of its own. */
export async function createAuthority(name: string): Promise<Certificate> {
  const { cert, private: key } = await generate([{ name: 'commonName', value: name }], {
    keyType: 'ec',
    algorithm: 'sha256',
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, digitalSignature: true, critical: true },
    ],
  })
  return { cert, key }
}

/** A certificate for 127.0.0.1 and, if named, a host; good for servers and clients, for so many days; `ended`: until yesterday. */
export async function createCertificate(
  ca: Certificate,
  {
    ended = false,
    host,
    days = 30,
  }: { readonly ended?: boolean; readonly host?: string; readonly days?: number } = {},
): Promise<Certificate> {
  const dayMs = 24 * 3600 * 1000
  const name = host === undefined ? [] : [{ type: 2 as const, value: host }]
  const [fromDays, toDays] = ended ? [-30, -1] : [-1, days]
  const { cert, private: key } = await generate([{ name: 'commonName', value: '127.0.0.1' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    notBeforeDate: new Date(Date.now() + fromDays * dayMs),
    notAfterDate: new Date(Date.now() + toDays * dayMs),
    ca,
    extensions: [
      { name: 'basicConstraints', cA: false },
      { name: 'extKeyUsage', serverAuth: true, clientAuth: true },
      { name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }, ...name] },
    ],
  })
  return { cert, key }
}
