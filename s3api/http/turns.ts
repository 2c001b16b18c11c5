import type { Socket } from 'node:net'

interface Queue {
  count: number
  last: Promise<void>
}

/**
 * Requests that come on one connection without waiting for answers are worked on one after the other (RFC 9112 §9.3.2). While
 * one waits, nothing more is read of its connection, so that no client can pile them up.
 */
export class Turns {
  readonly #queues = new WeakMap<Socket, Queue>()

  /** Does the work when it is its connection's turn. */
  take(socket: Socket, work: () => Promise<void>): Promise<void> {
    const queue = this.#queues.get(socket) ?? { count: 0, last: Promise.resolve() }
    this.#queues.set(socket, queue)
    if (++queue.count > 1) socket.pause()
    queue.last = queue.last.then(work).finally(() => {
      if (--queue.count === 1) socket.resume()
    })
    return queue.last
  }
}
