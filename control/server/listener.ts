import { chmodSync, rmSync, statSync } from 'node:fs'
import { connect } from 'node:net'
import { dirname } from 'node:path'
import { experimental, type Server, ServerCredentials } from '@grpc/grpc-js'
import type { Logger } from 'pino'
import { makeFolder } from '../../files/folder.ts'
import { hostPort, toTarget } from '../address.ts'
import { CertificateFiles } from '../certificates.ts'
import type { ControlAddress } from '../config.ts'
import { KmsError } from '../errors.ts'
import { logHandshakes } from './handshake-log.ts'

/** Listening: on a private Unix socket, or TCP with mutual TLS. */

/** Longest path that the kernel takes for a Unix socket, without its terminator. */
const socketPathSizeMax = 107

/** A listener's address for people, with the port that was given where 0 was asked, and its own certificate over TCP. */
export interface Listener {
  readonly address: string
  readonly certificates?: CertificateFiles
}

/**
 * Binds the server. A socket goes when the server stops listening; later, its path may be a successor's. Errors: KmsError `unavailable` for an address
 * or certificate that cannot be used.
 */
export async function bind(server: Server, address: ControlAddress, log: Logger): Promise<Listener> {
  if (address.kind === 'unix') {
    await prepareSocket(address.path)
    // Nobody else may connect, not even between bind and chmod.
    const before = process.umask(0o177)
    try {
      await bindTo(server, toTarget(address), ServerCredentials.createInsecure())
    } finally {
      process.umask(before)
    }
    chmodSync(address.path, 0o600)
    return { address: toTarget(address) }
  }
  const certificates = new CertificateFiles(address.tls, { log })
  const credentials = experimental.createCertificateProviderServerCredentials(
    certificates,
    certificates,
    true,
  )
  try {
    const port = await logHandshakes(() => bindTo(server, toTarget(address), credentials), log)
    return { address: hostPort(address.host, port), certificates }
  } catch (error) {
    certificates.close()
    throw error
  }
}

function bindTo(server: Server, target: string, credentials: ServerCredentials): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(target, credentials, (error, port) => {
      if (error === null) resolve(port)
      else reject(new KmsError('unavailable', `control cannot listen on ${target}: ${error.message}`))
    })
  })
}

/** Makes the socket's directory if it is missing, and clears away the socket of a process that is gone. */
async function prepareSocket(path: string): Promise<void> {
  if (Buffer.byteLength(path) > socketPathSizeMax) {
    throw new KmsError('unavailable', `the socket path ${path} is longer than ${socketPathSizeMax} bytes`)
  }
  makeFolder(dirname(path), 0o700)
  const existing = statSync(path, { throwIfNoEntry: false })
  if (existing === undefined) return
  if (!existing.isSocket()) throw new KmsError('unavailable', `${path} exists and is not a socket`)
  if (await answers(path)) throw new KmsError('unavailable', `another process listens on ${path}`)
  rmSync(path)
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path)
    const settle = (alive: boolean) => {
      socket.destroy()
      resolve(alive)
    }
    socket.once('connect', () => settle(true)).once('error', () => settle(false))
  })
}
