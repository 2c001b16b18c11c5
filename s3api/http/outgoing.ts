import type { ServerResponse } from 'node:http'
import type { DataBody, Reply } from '../operation.ts'
import { isAscii } from '../text.ts'
import type { RateFloor } from './rate-floor.ts'

/** Writes replies. */

export interface SendOptions {
  readonly headers: Readonly<Record<string, string>>
  readonly floor: RateFloor
  /** Awaited between the response's last byte and its end, which closes the connection. */
  readonly linger?: () => Promise<void>
}

/** Resolves to the body bytes sent. Errors: what reading the data throws, RequestTimeout; the response is then cut off. */
export async function send(outgoing: ServerResponse, reply: Reply, options: SendOptions): Promise<number> {
  const { status, body } = reply
  try {
    outgoing.statusCode = status
    setHeaders(outgoing, options.headers)
    if (reply.headers !== undefined) setHeaders(outgoing, reply.headers)
  } catch (error) {
    if (typeof body === 'object' && 'batches' in body) await body.batches.return()
    throw error
  }
  if (body === undefined) {
    const bodyless = status === 204 || status === 304 || outgoing.req.method === 'HEAD'
    if (!bodyless) outgoing.setHeader('Content-Length', '0')
    await finish(outgoing, options)
    return 0
  }
  if (typeof body === 'string' || body instanceof Uint8Array) {
    const bytes = typeof body === 'string' ? Buffer.from(body, 'utf8') : body
    const named = bytes === body || outgoing.hasHeader('Content-Type')
    if (!named) outgoing.setHeader('Content-Type', 'application/xml')
    outgoing.setHeader('Content-Length', String(bytes.length))
    await finish(outgoing, options, bytes)
    return bytes.length
  }
  outgoing.setHeader('Content-Length', String(body.size))
  return sendData(outgoing, body, options.floor)
}

async function finish(
  outgoing: ServerResponse,
  { linger, floor }: SendOptions,
  bytes?: Uint8Array,
): Promise<void> {
  if (linger !== undefined) {
    if (bytes === undefined) outgoing.flushHeaders()
    else outgoing.write(bytes)
    await linger()
    outgoing.end()
    return
  }
  // Not with the end: Node would then write a Content-Disposition in Latin-1 that toLatin1 has made UTF-8.
  if (bytes !== undefined) outgoing.write(bytes)
  outgoing.end()
  await taken(outgoing, floor)
}

/** Batch after batch, each given back when the socket has taken it. A body that turns out shorter is cut off, never ended. */
async function sendData(
  outgoing: ServerResponse,
  { size, batches }: DataBody,
  floor: RateFloor,
): Promise<number> {
  let sent = 0
  // The headers go out with the first batch, in one call to the system; flushHeaders would write them as UTF-8, twice over
  // what toLatin1 made of them.
  for await (const { data, release } of batches) {
    if (outgoing.destroyed) {
      release()
      break
    }
    sent += data.length
    if (sent > size) {
      release()
      throw new Error(`${sent} bytes and more of a body of ${size}`)
    }
    const room = outgoing.write(data, () => release())
    // At once: whoever has all that was announced may be gone before there is an end of the batches.
    if (sent === size) outgoing.end()
    else if (!room) await floor.wait(drained(outgoing))
    floor.moved(data.length)
  }
  if (outgoing.destroyed) return sent
  if (sent !== size) throw new Error(`${sent} bytes of a body of ${size}`)
  if (size === 0) outgoing.end()
  await taken(outgoing, floor)
  return sent
}

/** The end of a response is watched like the rest: until the socket has taken it, it stays in memory. */
async function taken(outgoing: ServerResponse, floor: RateFloor): Promise<void> {
  if (outgoing.writableLength === 0 || outgoing.destroyed) return
  await floor.wait(
    new Promise<void>((resolve) => {
      outgoing.once('finish', resolve).once('close', resolve)
    }),
  )
}

function drained(outgoing: ServerResponse): Promise<void> {
  if (outgoing.destroyed || !outgoing.writableNeedDrain) return Promise.resolve()
  return new Promise((resolve) => {
    const settle = () => {
      outgoing.off('drain', settle).off('close', settle)
      resolve()
    }
    outgoing.on('drain', settle).on('close', settle)
  })
}

/** Of a name that is set already the new value counts. */
function setHeaders(outgoing: ServerResponse, headers: Readonly<Record<string, string>>): void {
  for (const name of Object.keys(headers)) outgoing.setHeader(name, toLatin1(headers[name] ?? ''))
}

/** Node writes header values byte by byte. */
function toLatin1(value: string): string {
  return isAscii(value) ? value : Buffer.from(value, 'utf8').toString('latin1')
}
