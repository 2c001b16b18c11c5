import type { IncomingMessage } from 'node:http'
import { BlockList, isIPv6 } from 'node:net'
import type { FrontEndConfig } from '../config.ts'
import type { S3Request } from '../operation.ts'
import type { RateFloor } from './rate-floor.ts'
import { parseHeaders, parseTarget } from './target.ts'

/** A request as it comes from node:http. */

/** How much of a body that nobody wants is read, so that its connection can be kept, bytes. */
const discardSizeMax = 1024 * 1024
/** How long the rest is read after the response, so that a client which is still sending comes to read it. */
const lingerMs = 5_000

/** Errors: InvalidURI, KeyTooLongError. */
export function parseRequest(
  incoming: IncomingMessage,
  config: FrontEndConfig,
  options: { readonly encrypted: boolean; readonly trusted: BlockList },
): S3Request {
  const rawUrl = incoming.url ?? '/'
  const headers = parseHeaders(incoming.rawHeaders)
  const remoteAddress = incoming.socket.remoteAddress ?? ''
  const proxied = isTrusted(options.trusted, remoteAddress) && headers.get('x-forwarded-proto') === 'https'
  return {
    method: incoming.method ?? '',
    rawUrl,
    ...parseTarget(rawUrl, headers.get('host'), config.domains),
    headers,
    secure: options.encrypted || proxied,
    remoteAddress,
  }
}

/** Addresses and CIDR ranges of proxies whose X-Forwarded-Proto is believed. */
export function createTrustedList(ranges: readonly string[]): BlockList {
  const list = new BlockList()
  for (const range of ranges) {
    const [address = '', prefix] = range.split('/')
    const family = isIPv6(address) ? 'ipv6' : 'ipv4'
    if (prefix === undefined) list.addAddress(address, family)
    else list.addSubnet(address, Number(prefix), family)
  }
  return list
}

function isTrusted(list: BlockList, address: string): boolean {
  const mapped = address.replace(/^::ffff:(?=\d+\.)/, '')
  return mapped !== '' && list.check(mapped, isIPv6(mapped) ? 'ipv6' : 'ipv4')
}

/** Reads what little is left of a body; false where that is too much, and the connection has to end with the response. */
export async function discardBody(incoming: IncomingMessage, floor: RateFloor): Promise<boolean> {
  if (incoming.complete) return true
  if (incoming.destroyed) return false
  let size = 0
  const pieces: AsyncIterator<Uint8Array> = incoming.iterator({ destroyOnReturn: false })
  try {
    for (;;) {
      const next = await floor.wait(pieces.next())
      if (next.done === true) return true
      size += next.value.length
      floor.moved(next.value.length)
      if (size > discardSizeMax) {
        await pieces.return?.()
        return false
      }
    }
  } catch {
    // A client that vanished or dawdles gets its answer, if it can still be had, and no further request.
    return false
  }
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
