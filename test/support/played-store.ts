import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { GatewayConfig } from '../../s3api/backends/gateway/config.ts'
import { gatewayConfig } from './front-end-config.ts'

/** A store that a test plays. */
export interface PlayedStore {
  config(options?: Partial<GatewayConfig>): GatewayConfig
  /** Resolves when a connection that is open now, or else the next one, has been closed. */
  closed(): Promise<void>
  close(): Promise<void>
}

export async function playStore(answer: http.RequestListener): Promise<PlayedStore> {
  const sockets = new Set<Socket>()
  const server = http.createServer(answer)
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('error', () => {}).on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  // A server that listens on a port has an address of this form.
  const { port } = server.address() as AddressInfo
  const keys = { accessKey: 'access', secretKey: 'secret' }
  return {
    config: (options) => gatewayConfig(`http://127.0.0.1:${port}`, keys, options),
    async closed() {
      const [open] = sockets
      const socket = open ?? ((await once(server, 'connection'))[0] as Socket)
      await once(socket, 'close')
    },
    async close() {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
  }
}
