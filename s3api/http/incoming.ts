import type { IncomingMessage } from 'node:http'
import { BlockList, isIP, isIPv6 } from 'node:net'
import type { FrontEndConfig } from '../config.ts'
import type { S3Request } from '../operation.ts'
import { parseHeaders, parseTarget } from './target.ts'

/** A request as it comes from node:http. */

/** How much of a body that nobody wants is read, so that its connection can be kept, bytes; and for how long. */
const discardSizeMax = 1024 * 1024
const discardMs = 5_000
/** How long the rest is read after the response, so that a client which is still sending comes to read it. */
const lingerMs = 5_000

/** Errors: InvalidURI, KeyTooLongError. */
export function parseRequest(
  incoming: IncomingMessage,
  config: FrontEndConfig,
  options: { readonly encrypted: boolean; readonly trusted: BlockList | undefined },
): S3Request {
  const rawUrl = incoming.url ?? '/'
  const headers = parseHeaders(incoming.rawHeaders)
  const peer = plainAddress(incoming.socket.remoteAddress ?? '')
  const proxied = isTrusted(options.trusted, peer)
  const { bucket, key, query, virtualHost } = parseTarget(rawUrl, headers.get('host'), config.domains)
  return {
    method: incoming.method ?? '',
    rawUrl,
    bucket,
    key,
    query,
    headers,
    secure: options.encrypted || (proxied && headers.get('x-forwarded-proto') === 'https'),
    remoteAddress: proxied ? forwardedAddress(options.trusted, headers.get('x-forwarded-for'), peer) : peer,
    ...(virtualHost === true && { virtualHost }),
  }
}

/** Addresses and CIDR ranges of proxies whose X-Forwarded-Proto and X-Forwarded-For are believed. */
export function createTrustedList(ranges: readonly string[]): BlockList | undefined {
  if (ranges.length === 0) return undefined
  const list = new BlockList()
  for (const range of ranges) {
    const [address = '', prefix] = range.split('/')
    const family = isIPv6(address) ? 'ipv6' : 'ipv4'
    if (prefix === undefined) list.addAddress(address, family)
    else list.addSubnet(address, Number(prefix), family)
  }
  return list
}

function isTrusted(list: BlockList | undefined, address: string): boolean {
  if (list === undefined) return false
  return isIP(address) !== 0 && list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')
}

/**
 * Whom the trusted proxies had before them: each adds its peer at the end, so the last address that is no proxy's is the
 * client's, and what stands before it is the client's own word. Something that is no address is nobody's.
 */
function forwardedAddress(trusted: BlockList | undefined, header: string | undefined, peer: string): string {
  if (header === undefined) return peer
  const addresses = header.split(',').map((text) => plainAddress(text.trim()))
  const client = addresses.findLast((address) => !isTrusted(trusted, address))
  return client ?? addresses[0] ?? peer
}

/** An IPv4 address that a socket for both families shows in the form of IPv6. */
function plainAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/, '')
}

/** Reads what little is left of a body; false where that is too much, and the connection has to end with the response. */
export function discardBody(incoming: IncomingMessage): Promise<boolean> {
  return new Promise((resolve) => {
    let size = 0
    const take = (piece: Uint8Array) => {
      size += piece.length
      if (size > discardSizeMax) settle()
    }
    const settle = () => {
      clearTimeout(timer)
      incoming.off('data', take).off('end', settle).off('close', settle).off('error', settle).pause()
      resolve(incoming.complete)
    }
    const timer = setTimeout(settle, discardMs)
    incoming.on('data', take).on('end', settle).on('close', settle).on('error', settle).resume()
    if (incoming.complete || incoming.destroyed) settle()
  })
}

/**
 * Reads on, for a while, what a client sends though its answer is out: closing the connection before would reset it, and the
 * answer could be lost with it (RFC 9112 §9.6).
 */
export function lingerOn(incoming: IncomingMessage): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, lingerMs)
    const done = () => {
      clearTimeout(timer)
      resolve()
    }
    incoming.on('end', done).on('close', done).on('error', done).resume()
    if (incoming.complete || incoming.destroyed) done()
  })
}
