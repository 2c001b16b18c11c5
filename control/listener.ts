import { chmodSync, mkdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { connect } from 'node:net'
import { dirname } from 'node:path'
import { ChannelCredentials, type Server, ServerCredentials } from '@grpc/grpc-js'
import type { ControlAddress } from './config.ts'
import { KmsError } from './errors.ts'

/** Listening and connecting: a private Unix socket, or TCP with mutual TLS. */

/** Longest path that the kernel takes for a Unix socket, without its terminator. */
const socketPathSizeMax = 107

/** The address as gRPC names it. */
export function toTarget(address: ControlAddress): string {
  return address.kind === 'unix' ? `unix:${address.path}` : `${address.host}:${address.port}`
}

/** Binds the server; resolves to the address for people, with the port that was given where 0 was asked. */
export async function bind(server: Server, address: ControlAddress): Promise<string> {
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
    return toTarget(address)
  }
  const { certFile, keyFile, caFile } = address.tls
  const pair = { cert_chain: readFileSync(certFile), private_key: readFileSync(keyFile) }
  const credentials = ServerCredentials.createSsl(readFileSync(caFile), [pair], true)
  const port = await bindTo(server, toTarget(address), credentials)
  return `${address.host}:${port}`
}

export function clientCredentials(address: ControlAddress): ChannelCredentials {
  if (address.kind === 'unix') return ChannelCredentials.createInsecure()
  const { certFile, keyFile, caFile } = address.tls
  return ChannelCredentials.createSsl(readFileSync(caFile), readFileSync(keyFile), readFileSync(certFile))
}

export function releaseSocket(address: ControlAddress): void {
  if (address.kind === 'unix') rmSync(address.path, { force: true })
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
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
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
