import { lookup } from 'node:dns/promises'
import { connect, isIP, type Socket } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { KmsError } from '../../errors.ts'
import type { Check } from '../provider.ts'
import type { Patient } from './vault-doctor.ts'
import { readTlsSettings } from './vault-tls.ts'

const connectTimeoutMs = 5_000
const dayMs = 24 * 3600 * 1000
/** In TLS 1.3 a server says only after the handshake that it wants a certificate of ours. */
const afterthoughtMs = 300
/** A certificate that ends sooner is worth a word. */
const expiryWarningMs = 14 * dayMs
const defaultPorts: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443 }

/** The way to Vault: its name, its port, its certificate. */
export async function checkReach({ config, clock }: Patient): Promise<readonly Check[]> {
  const url = new URL(config.endpoint)
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const port = Number(url.port) || (defaultPorts[url.protocol] ?? 0)
  const network = await checkNetwork(host, port)
  if (network.result === 'failed') return [network]
  if (url.protocol === 'http:') return [network, checkPlain(host)]
  return [network, await checkTls({ host, port, config, nowMs: clock.wallMs() })]
}

async function checkNetwork(host: string, port: number): Promise<Check> {
  const name = 'network'
  const failed = (detail: string, remedy: string): Check => ({ name, result: 'failed', detail, remedy })
  const found = await lookup(host).catch(() => undefined)
  if (found === undefined) {
    return failed(
      `the name ${host} does not resolve`,
      `getent hosts ${host}   # then mend DNS, or the endpoint`,
    )
  }
  const socket = connect({ host, port })
  const code = await firstError(socket, 'connect')
  socket.destroy()
  switch (code) {
    case undefined:
      return { name, result: 'ok', detail: `${host} port ${port} accepts connections`, remedy: '' }
    case 'ECONNREFUSED':
      return failed(
        `nothing listens on ${host} port ${port}`,
        `vault status   # on ${host}: is vault running?`,
      )
    default:
      return failed(
        `${host} port ${port} cannot be reached (${code})`,
        `nc -vz ${host} ${port}   # a firewall or route is in between`,
      )
  }
}

function checkPlain(host: string): Check {
  const name = 'tls'
  if (host === 'localhost' || host === '::1' || host.startsWith('127.')) {
    return { name, result: 'ok', detail: 'none, but vault is on this machine', remedy: '' }
  }
  return {
    name,
    result: 'warning',
    detail: 'none: keys and tokens cross the network in the clear',
    remedy: 'export SEALGATE_KMS_VAULT_ENDPOINT=https://…   # give vault a listener with TLS',
  }
}

interface TlsTarget {
  readonly host: string
  readonly port: number
  readonly config: Patient['config']
  readonly nowMs: number
}

async function checkTls({ host, port, config, nowMs }: TlsTarget): Promise<Check> {
  const name = 'tls'
  let socket: TLSSocket
  try {
    // A name is for SNI; an address is checked without it.
    const named = isIP(host) === 0 ? { servername: host } : {}
    socket = connectTls({ host, port, ...named, ...readTlsSettings(config) })
  } catch (error) {
    const detail = error instanceof KmsError ? error.message : 'the certificates cannot be used'
    return { name, result: 'failed', detail, remedy: `ls -l ${config.caPath ?? '/etc/ssl/certs'}` }
  }
  const expiry: { atMs?: number } = {}
  socket.once('secureConnect', () => {
    expiry.atMs = Date.parse(socket.getPeerCertificate().valid_to)
  })
  const code = (await firstError(socket, 'secureConnect')) ?? (await firstError(socket, afterthoughtMs))
  socket.destroy()
  if (code !== undefined) return { name, result: 'failed', ...toTlsFinding(code, { host, port, config }) }
  const leftMs = (expiry.atMs ?? nowMs) - nowMs
  const mutual = config.clientTls === undefined ? '' : ', ours is sent'
  const detail = `vault's certificate is trusted${mutual}, and ends in ${Math.floor(leftMs / dayMs)} days`
  if (leftMs > expiryWarningMs) return { name, result: 'ok', detail, remedy: '' }
  return { name, result: 'warning', detail, remedy: "renew vault's certificate" }
}

function toTlsFinding(
  code: string,
  { host, port, config }: Omit<TlsTarget, 'nowMs'>,
): Pick<Check, 'detail' | 'remedy'> {
  switch (code) {
    case 'CERT_HAS_EXPIRED':
      return {
        detail: "vault's certificate has expired",
        remedy: "renew vault's certificate, then reload vault",
      }
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return {
        detail: `vault's certificate is not for ${host}`,
        remedy: `openssl s_client -connect ${host}:${port} </dev/null | openssl x509 -noout -ext subjectAltName   # use one of these names in SEALGATE_KMS_VAULT_ENDPOINT`,
      }
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
    case 'UNABLE_TO_GET_ISSUER_CERT':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'DEPTH_ZERO_SELF_SIGNED_CERT': {
      const folder = config.caPath ?? '/etc/sealgate/vault-ca'
      return {
        detail: `vault's certificate comes from a CA that is not trusted (${code})`,
        remedy: `cp vault-ca.pem ${folder}/ && export SEALGATE_KMS_VAULT_CAPATH=${folder}   # vault-ca.pem: the certificate of the CA that signed vault's`,
      }
    }
    case 'EPROTO':
    case 'ERR_SSL_WRONG_VERSION_NUMBER':
    case 'ERR_SSL_PACKET_LENGTH_TOO_LONG':
      return {
        detail: `${host} port ${port} does not speak TLS`,
        remedy: `export SEALGATE_KMS_VAULT_ENDPOINT=http://${host}:${port}   # or give vault a listener with TLS`,
      }
    default:
      return /CERTIFICATE_REQUIRED|BAD_CERTIFICATE|UNKNOWN_CA|HANDSHAKE_FAILURE/.test(code)
        ? {
            detail: `vault demands a certificate of ours, and ${config.clientTls === undefined ? 'none is set' : 'does not take this one'} (${code})`,
            remedy:
              'export SEALGATE_KMS_VAULT_CLIENT_CERT_FILE=/etc/sealgate/vault-client.pem SEALGATE_KMS_VAULT_CLIENT_KEY_FILE=/etc/sealgate/vault-client.key   # signed by the CA of tls_client_ca_file in the configuration of vault',
          }
        : {
            detail: `the TLS handshake failed (${code})`,
            remedy: `openssl s_client -connect ${host}:${port} </dev/null   # shows more of it`,
          }
  }
}

/** The code of what goes wrong before the event comes, or within the time; undefined where nothing does. */
async function firstError(socket: Socket, until: string | number): Promise<string | undefined> {
  let timer: NodeJS.Timeout | undefined
  const code = await new Promise<string | undefined>((resolve) => {
    if (typeof until === 'number') {
      timer = setTimeout(() => resolve(undefined), until)
    } else {
      timer = setTimeout(() => resolve('ETIMEDOUT'), connectTimeoutMs)
      socket.once(until, () => resolve(undefined))
    }
    socket.once('error', (error) => resolve('code' in error ? String(error.code) : 'unknown'))
    socket.once('close', () => resolve('ECONNRESET'))
  })
  clearTimeout(timer)
  return code
}
