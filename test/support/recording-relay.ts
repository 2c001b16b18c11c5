import net, { type AddressInfo, type Socket } from 'node:net'
import tls from 'node:tls'

/** A relay before a store that remembers what goes to it; behind a certificate, what is inside. */
export interface RecordingRelay {
  readonly url: string
  /** Everything that went to the store so far, bytes as Latin-1. */
  sent(): string
  close(): Promise<void>
}

export async function startRecordingRelay(
  storeUrl: string,
  certificate?: { readonly cert: string; readonly key: string },
): Promise<RecordingRelay> {
  const { hostname, port } = new URL(storeUrl)
  const open = new Set<Socket>()
  const pieces: Buffer[] = []
  const relay = (client: Socket) => {
    const store = net.connect(Number(port), hostname)
    for (const socket of [client, store]) {
      open.add(socket)
      socket.on('error', () => {}).on('close', () => open.delete(socket))
    }
    client.on('data', (piece: Buffer) => pieces.push(piece))
    client.pipe(store).pipe(client)
    client.on('close', () => store.destroy())
    store.on('close', () => client.destroy())
  }
  const server = certificate === undefined ? net.createServer(relay) : tls.createServer(certificate, relay)
  server.on('tlsClientError', () => {})
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  // A server that listens on a port has an address of this form.
  const address = server.address() as AddressInfo
  return {
    url: `${certificate === undefined ? 'http' : 'https'}://127.0.0.1:${address.port}`,
    sent: () => Buffer.concat(pieces).toString('latin1'),
    async close() {
      const closed = new Promise((resolve) => server.close(resolve))
      for (const socket of open) socket.destroy()
      await closed
    },
  }
}
