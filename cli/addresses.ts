import type { ControlAddress } from '../control/config.ts'
import { requireAuthorities, requireCertificate } from './certificate-files.ts'
import { ConfigError } from './config-error.ts'
import type { Environment } from './environment.ts'
import { nameOf } from './environment.ts'
import { socketPathSizeMax } from './socket-directory.ts'

export interface HostPort {
  readonly host: string
  readonly port: number
}

const allInterfaces = '0.0.0.0'

/** `HOST:PORT`, `[IPV6]:PORT`, or `:PORT` for all interfaces. Errors: ConfigError. */
export function parseHostPort(name: string, text: string): HostPort {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s/]*)):(\d{1,5})$/.exec(text)
  const port = Number(match?.[3])
  if (match === null || port > 65_535) throw new ConfigError(`${name} must be HOST:PORT`)
  return { host: match[1] ?? (match[2] === '' ? allInterfaces : (match[2] ?? allInterfaces)), port }
}

/** As above, or `off`. */
export function parseAdminAddress(name: string, text: string): HostPort | undefined {
  return text === 'off' ? undefined : parseHostPort(name, text)
}

/** As below, several with commas between them. Errors: ConfigError. */
export function parseControlAddresses(
  name: string,
  text: string,
  environment: Environment,
): readonly ControlAddress[] {
  return text.split(',').map((address) => parseControlAddress(name, address.trim(), environment))
}

/** `unix:/PATH`, or `HOST:PORT` with mutual TLS. Errors: ConfigError. */
export function parseControlAddress(name: string, text: string, environment: Environment): ControlAddress {
  if (text.startsWith('unix:')) {
    const path = text.slice('unix:'.length)
    if (!path.startsWith('/'))
      throw new ConfigError(`${name} must name a socket by an absolute path, unix:/…`)
    if (Buffer.byteLength(path) > socketPathSizeMax) {
      throw new ConfigError(`${name} names a socket by more than ${socketPathSizeMax} bytes`)
    }
    return { kind: 'unix', path }
  }
  const { host, port } = parseHostPort(name, text)
  const file = (setting: 'controlCert' | 'controlKey' | 'controlCa') => {
    const found = environment.find(setting)
    if (found === undefined)
      throw new ConfigError(`${nameOf(setting)} must be set: control over TCP needs mutual TLS`)
    return found
  }
  const [cert, key, ca] = [file('controlCert'), file('controlKey'), file('controlCa')]
  requireCertificate(cert, key)
  requireAuthorities(ca)
  return { kind: 'tcp', host, port, tls: { certFile: cert.value, keyFile: key.value, caFile: ca.value } }
}

/** An http or https URL, without a user and a query; its path is for the caller to judge. Errors: ConfigError. */
export function parseUrl(name: string, text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.username !== '' || url.search !== '') {
    throw new ConfigError(`${name} must be an http or https URL`)
  }
  return url
}
