import { randomUUID } from 'node:crypto'
import type { ServerWritableStream } from '@grpc/grpc-js'
import type { WatchEvent } from '../../proto/gen/sealgate/kms/v1/WatchEvent.ts'
import type { WatchRequest } from '../../proto/gen/sealgate/kms/v1/WatchRequest.ts'

type Watcher = ServerWritableStream<WatchRequest, WatchEvent>

/** A holder that has heard nothing for several of these knows that it hears nothing any more. */
const heartbeatMs = 5_000
/** One that reads nothing is cut off rather than written to without end. */
const unsentMax = 64

/** Tells every holder of leases what ends them. */
export class WatchHub {
  readonly #instanceId = randomUUID()
  readonly #keysReused: boolean
  readonly #disabledKeyIds: () => readonly string[]
  /** Each with what says whether it may be told more. */
  readonly #watchers = new Map<Watcher, () => boolean>()
  readonly #heartbeat: NodeJS.Timeout
  #drops = 0

  constructor(state: { readonly keysReused: boolean; readonly disabledKeyIds: () => readonly string[] }) {
    this.#keysReused = state.keysReused
    this.#disabledKeyIds = state.disabledKeyIds
    this.#heartbeat = setInterval(() => this.changed(), heartbeatMs).unref()
  }

  get size(): number {
    return this.#watchers.size
  }

  /**
   * Serves a Watch call until either side ends it. `mayHear` is asked before each event after the first, and has ended the call
   * where it says no.
   */
  add(watcher: Watcher, mayHear: () => boolean): void {
    this.#watchers.set(watcher, mayHear)
    const forget = () => void this.#watchers.delete(watcher)
    watcher.on('cancelled', forget).on('error', forget).on('close', forget)
    this.#send(watcher, this.#event({}))
  }

  /** The disabled keys have changed. */
  changed(): void {
    this.#publish({})
  }

  /** The leases of a master key end, or all. */
  drop(keyId?: string): void {
    this.#drops++
    this.#publish(keyId === undefined ? { allDropped: true } : { droppedKeyIds: [keyId] })
  }

  close(): void {
    clearInterval(this.#heartbeat)
    for (const watcher of this.#watchers.keys()) watcher.end()
    this.#watchers.clear()
  }

  #publish(drop: Partial<Pick<WatchEvent, 'allDropped' | 'droppedKeyIds'>>): void {
    const event = this.#event(drop)
    for (const [watcher, mayHear] of this.#watchers) if (mayHear()) this.#send(watcher, event)
  }

  #send(watcher: Watcher, event: WatchEvent): void {
    if (watcher.writableLength >= unsentMax) watcher.destroy(new Error('the watcher does not read'))
    else watcher.write(event)
  }

  #event(drop: Partial<Pick<WatchEvent, 'allDropped' | 'droppedKeyIds'>>): WatchEvent {
    return {
      instanceId: this.#instanceId,
      keysReused: this.#keysReused,
      disabledKeyIds: [...this.#disabledKeyIds()],
      droppedKeyIds: [],
      allDropped: false,
      drops: this.#drops,
      ...drop,
    }
  }
}
