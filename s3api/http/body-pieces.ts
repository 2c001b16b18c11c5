import type { IncomingMessage, ServerResponse } from 'node:http'
import type { RateFloor } from './rate-floor.ts'

/** Pieces kept for a reader that is busy; the connection waits beyond that, bytes. */
const aheadMax = 128 * 1024

/**
 * A request's body, piece by piece as node:http has read it. Node's own iterator joins what has come meanwhile, a copy of every
 * byte, and costs several promises a piece; this one costs none while there are pieces.
 */
export class BodyPieces implements AsyncIterator<Uint8Array, void, undefined> {
  readonly #incoming: IncomingMessage
  readonly #outgoing: ServerResponse
  readonly #floor: RateFloor
  readonly #pieces: Uint8Array[] = []
  #ahead = 0
  #state: 'new' | 'open' | 'ended' | 'failed' | 'left' = 'new'
  #failure: unknown
  #wake: (() => void) | undefined

  constructor(incoming: IncomingMessage, outgoing: ServerResponse, floor: RateFloor) {
    this.#incoming = incoming
    this.#outgoing = outgoing
    this.#floor = floor
  }

  /** Somebody has asked for it: a client that waited for 100 sends it now. */
  get begun(): boolean {
    return this.#state !== 'new'
  }

  /** Errors: those of the connection; RequestTimeout. */
  async next(): Promise<IteratorResult<Uint8Array, void>> {
    if (this.#state === 'new') this.#begin()
    if (this.#pieces.length === 0 && this.#state === 'open') {
      await this.#floor.wait(
        new Promise<void>((resolve) => {
          this.#wake = resolve
        }),
      )
    }
    const piece = this.#pieces.shift()
    if (piece !== undefined) {
      this.#ahead -= piece.length
      if (this.#ahead < aheadMax && this.#incoming.isPaused()) this.#incoming.resume()
      return { value: piece, done: false }
    }
    if (this.#state === 'failed') throw this.#failure
    return { value: undefined, done: true }
  }

  /** Lets go of the body, not of the connection. */
  async return(): Promise<IteratorReturnResult<void>> {
    if (this.#state === 'open') {
      this.#incoming.pause()
      this.#leave('left')
    }
    this.#pieces.length = 0
    return { value: undefined, done: true }
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  #begin(): void {
    const incoming = this.#incoming
    this.#state = 'open'
    if (incoming.destroyed) {
      this.#close()
      return
    }
    // The first read tells a client that waits for 100 to go on.
    if (expectsContinue(incoming)) this.#outgoing.writeContinue()
    incoming.on('data', this.#take).on('end', this.#end).on('error', this.#fail).on('close', this.#close)
  }

  readonly #take = (piece: Uint8Array): void => {
    this.#floor.moved(piece.length)
    this.#pieces.push(piece)
    this.#ahead += piece.length
    if (this.#ahead >= aheadMax) this.#incoming.pause()
    this.#wake?.()
  }

  readonly #end = (): void => this.#leave('ended')

  readonly #fail = (error: unknown): void => {
    this.#failure = error
    this.#leave('failed')
  }

  readonly #close = (): void => this.#fail(new Error('the connection was closed'))

  #leave(state: 'ended' | 'failed' | 'left'): void {
    this.#state = state
    const incoming = this.#incoming
    incoming.off('data', this.#take).off('end', this.#end).off('error', this.#fail).off('close', this.#close)
    this.#wake?.()
  }
}

export function expectsContinue(incoming: IncomingMessage): boolean {
  return incoming.headers.expect?.toLowerCase() === '100-continue'
}
