import { once } from 'node:events'
import http from 'node:http'
import type { Socket } from 'node:net'
import type { GatewayConfig } from '../../s3api/backends/gateway/config.ts'
import { gatewayConfig } from './front-end-config.ts'
import { listenHere } from './listen.ts'

/** A store that a test plays. */
export interface PlayedStore {
  config(options?: Partial<GatewayConfig>): GatewayConfig
  /** Resolves when a connection that is open now, or else the next one, has been closed. */
  closed(): Promise<void>
  /** Closes the connections that are open now. */
  hangUp(): void
  close(): Promise<void>
}

export async function playStore(answer: http.RequestListener): Promise<PlayedStore> {
  const sockets = new Set<Socket>()
  const server = http.createServer(answer)
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('error', () => {}).on('close', () => sockets.delete(socket))
  })
  const { url, close } = await listenHere(server)
  const keys = { accessKey: 'access', secretKey: 'secret' }
  return {
    config: (options) => gatewayConfig(url, keys, options),
    async closed() {
      const [open] = sockets
      const socket = open ?? ((await once(server, 'connection'))[0] as Socket)
      await once(socket, 'close')
    },
    hangUp() {
      for (const socket of sockets) socket.end()
    },
    close,
  }
}
