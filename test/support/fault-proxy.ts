import net, { type AddressInfo, type Socket } from 'node:net'

/** A TCP proxy that does harm: what networks and stores do to whoever relies on them. */
export interface FaultProxy {
  readonly url: string
  /** What becomes of connections made from now on, and of those that are open. */
  set(fault: Fault): void
  close(): Promise<void>
}

export type Fault =
  | { readonly kind: 'none' }
  /** Connections end in a reset as soon as they are made. */
  | { readonly kind: 'down' }
  /** The connection is reset when so many bytes went to the store, or came from it. */
  | { readonly kind: 'cut'; readonly direction: 'to-store' | 'from-store'; readonly afterBytes: number }
  /** The next so many connections get this answer in place of the store's. */
  | { readonly kind: 'answer'; readonly text: string; readonly times: number }

export async function startFaultProxy(storeUrl: string): Promise<FaultProxy> {
  const { hostname, port } = new URL(storeUrl)
  const open = new Set<Socket>()
  let fault: Fault = { kind: 'none' }
  let answers = 0
  const server = net.createServer((client) => {
    open.add(client)
    client.on('error', () => {}).on('close', () => open.delete(client))
    if (fault.kind === 'down') {
      client.resetAndDestroy()
      return
    }
    if (fault.kind === 'answer' && answers < fault.times) {
      answers++
      const { text } = fault
      client.once('data', () => client.end(text))
      return
    }
    const store = net.connect(Number(port), hostname)
    open.add(store)
    store.on('error', () => client.destroy()).on('close', () => open.delete(store))
    relay(client, store, 'to-store')
    relay(store, client, 'from-store')
  })

  function relay(from: Socket, to: Socket, direction: 'to-store' | 'from-store'): void {
    let bytes = 0
    from.on('data', (piece) => {
      bytes += piece.length
      if (fault.kind === 'cut' && fault.direction === direction && bytes > fault.afterBytes) {
        from.resetAndDestroy()
        to.resetAndDestroy()
        return
      }
      if (!to.write(piece)) {
        from.pause()
        to.once('drain', () => from.resume())
      }
    })
    from.on('end', () => to.end())
    from.on('close', () => to.destroy())
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  // A server that listens on a port has an address of this form.
  const address = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${address.port}`,
    set(next) {
      fault = next
      answers = 0
      if (next.kind !== 'none') for (const socket of open) socket.destroy()
    },
    async close() {
      const closed = new Promise((resolve) => server.close(resolve))
      for (const socket of open) socket.destroy()
      await closed
    },
  }
}
