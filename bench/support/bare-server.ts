import { createHash, randomUUID } from 'node:crypto'
import { closeSync, openSync, unlinkSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createCryptoPool } from '../../engine/index.ts'

/**
 * What is left of a server without S3: node:http alone, to see how far from it Sealgate is. PUT /sink drops the body,
 * PUT /file writes it through the engine's pool without key or hash, PUT /file-md5 the same with MD5 computed on the event
 * loop, GET /source?SIZE sends from memory.
 */

const chunk = Buffer.alloc(256 * 1024, 'x')

async function serve(directory: string): Promise<void> {
  const pool = createCryptoPool({ threads: 2 })
  const server = createServer((request, response) => {
    void answer(request, response).catch((error: unknown) => {
      response.destroy(error instanceof Error ? error : undefined)
    })
  })

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [path, size] = (request.url ?? '').split('?')
    if (path === '/source') return source(response, Number(size))
    if (path === '/file') await file(request)
    else if (path === '/file-md5') await file(hashed(request))
    else for await (const _ of request);
    response.writeHead(200, { 'Content-Length': '0' }).end()
  }

  async function file(body: AsyncIterable<Uint8Array>): Promise<void> {
    const name = join(directory, randomUUID())
    const fd = openSync(name, 'wx')
    try {
      await pool.write({ source: body, hashes: [], openTarget: async () => ({ fd }), inlineSizeMax: 0 })
    } finally {
      closeSync(fd)
      unlinkSync(name)
    }
  }

  async function* hashed(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
    const hash = createHash('md5')
    for await (const piece of body) {
      hash.update(piece)
      yield piece
    }
    hash.digest()
  }

  async function source(response: ServerResponse, size: number): Promise<void> {
    response.writeHead(200, { 'Content-Length': String(size) })
    for (let rest = size; rest > 0 && !response.destroyed; rest -= chunk.length) {
      if (response.write(chunk.subarray(0, Math.min(rest, chunk.length)))) continue
      await new Promise<void>((resolve) => {
        const settle = () => {
          response.off('drain', settle).off('close', settle)
          resolve()
        }
        response.on('drain', settle).on('close', settle)
      })
    }
    response.end()
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  // A server that listens on a port has an address of this form.
  process.send?.((server.address() as AddressInfo).port)
  process.once('disconnect', () => process.exit(0))
}

if (process.send !== undefined) void serve(process.argv[2] ?? '.')
