import { connect, type Socket } from 'node:net'

/** Bytes as they go over the wire, for what no HTTP client would send. */

export interface RawConnection {
  readonly socket: Socket
  /** What came so far. */
  text(): string
  write(data: string | Uint8Array): void
  /** Resolves when what came matches; rejects when the connection ends before. */
  until(pattern: RegExp): Promise<RegExpExecArray>
  /** Resolves to all that came when the other side has ended it. */
  readonly ended: Promise<string>
  destroy(): void
}

export function openRaw(port: number): RawConnection {
  const socket = connect(port, '127.0.0.1')
  let text = ''
  const listeners = new Set<() => void>()
  const ended = new Promise<string>((resolve) => {
    socket.on('close', () => resolve(text))
  })
  // A reset is one way of ending; `ended` tells what came before.
  socket.on('error', () => {})
  socket.on('data', (bytes: Buffer) => {
    text += bytes.toString('latin1')
    for (const listener of listeners) listener()
  })
  return {
    socket,
    text: () => text,
    write: (data) => void socket.write(data),
    until(pattern) {
      return new Promise((resolve, reject) => {
        const look = () => {
          const match = pattern.exec(text)
          if (match === null) return
          listeners.delete(look)
          resolve(match)
        }
        listeners.add(look)
        void ended.then(() =>
          reject(new Error(`the connection ended before ${pattern}: ${text.slice(0, 500)}`)),
        )
        look()
      })
    },
    ended,
    destroy: () => void socket.destroy(),
  }
}

/** Sends the bytes; resolves to all that comes until the other side ends the connection. */
export async function exchangeRaw(port: number, ...data: readonly (string | Uint8Array)[]): Promise<string> {
  const connection = openRaw(port)
  for (const piece of data) connection.write(piece)
  return connection.ended
}
