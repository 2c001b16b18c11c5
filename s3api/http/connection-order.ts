import type { Socket } from 'node:net'

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
    // node:http reads on after every request that it has parsed: it must have come to the end of what it has read. A tick is
    // then; later than that, libuv would have read up to 32 times, 64 KiB each.
    if (++queue.count > 1) process.nextTick(() => queue.count > 1 && socket.pause())
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
