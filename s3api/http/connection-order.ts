import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'

/** Requests that wait on one connection; who sends more ahead is no client of S3. What comes in one read may be thousands. */
export const waitingMax = 64

interface Queue {
  count: number
  last: Promise<void>
}

/**
 * Requests that come on one connection without waiting for answers are worked on one after the other (RFC 9112 §9.3.2). While
 * one waits, nothing more is read of its connection; beyond {@link waitingMax} the connection is closed.
 */
export class ConnectionOrder {
  readonly #queues = new WeakMap<Socket, Queue>()

  /** Does the work when it is its connection's turn, and not where the connection is gone by then. */
  async take(socket: Socket, work: () => Promise<void>): Promise<void> {
    const queue = this.#queues.get(socket) ?? { count: 0, last: Promise.resolve() }
    this.#queues.set(socket, queue)
    if (queue.count > waitingMax) {
      socket.destroy()
      return
    }
    if (++queue.count > 1) pauseAfterRead(socket, () => queue.count > 1)
    const turn = queue.last.then(() => (socket.destroyed ? undefined : work()))
    queue.last = turn.then(
      () => {},
      () => {},
    )
    try {
      await turn
    } finally {
      if (--queue.count === 1) socket.resume()
    }
  }
}

/**
 * node:http reads on after every request that it has parsed: it must have come to the end of what it has read. Over TCP that is a
 * tick later (by the next turn of the event loop libuv would have read up to 32 times, 64 KiB each), over TLS the next turn.
 */
function pauseAfterRead(socket: Socket, isWanted: () => boolean): void {
  const pause = () => {
    if (isWanted()) socket.pause()
  }
  if (socket instanceof TLSSocket) setImmediate(pause)
  else process.nextTick(pause)
}
