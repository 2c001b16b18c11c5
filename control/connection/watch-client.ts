import { type ClientReadableStream, type ServiceError, status } from '@grpc/grpc-js'
import type { KeysClient } from '../../proto/gen/sealgate/kms/v1/Keys.ts'
import type { WatchEvent } from '../../proto/gen/sealgate/kms/v1/WatchEvent.ts'
import type { InstanceState } from '../service.ts'

/** Without a word for so long an instance is not there any more; it speaks every five seconds. */
const silenceMsMax = 15_000
const againMinMs = 50
const againMaxMs = 500

/** Follows one instance for as long as it is open; connects again by itself. */
export class InstanceWatch {
  readonly #client: KeysClient
  readonly #onState: (state: InstanceState | 'refused' | undefined) => void
  readonly #onRefused: (error: ServiceError) => void
  readonly #silenceMs: number
  #stream: ClientReadableStream<WatchEvent> | undefined
  #timer: NodeJS.Timeout | undefined
  #delayMs = againMinMs
  #last: Pick<WatchEvent, 'instanceId' | 'drops'> | undefined
  #refused = false
  #closed = false

  /**
   * `onState` gets undefined when the instance cannot be heard any more, `refused` when it says that we may not; `onRefused`
   * why, once.
   */
  constructor(
    client: KeysClient,
    {
      onState,
      onRefused,
      silenceMs = silenceMsMax,
    }: {
      readonly onState: (state: InstanceState | 'refused' | undefined) => void
      readonly onRefused: (error: ServiceError) => void
      readonly silenceMs?: number
    },
  ) {
    this.#client = client
    this.#onState = onState
    this.#onRefused = onRefused
    this.#silenceMs = silenceMs
    this.#watch()
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
    this.#stream?.cancel()
  }

  #watch(): void {
    const stream = this.#client.watch({})
    this.#stream = stream
    this.#waitForWord()
    stream.on('data', (event: WatchEvent) => {
      this.#delayMs = againMinMs
      this.#waitForWord()
      if (!this.#closed) this.#onState(this.#stateOf(event))
    })
    // An error is followed by nothing else; a regular end comes when the instance drains.
    stream.on('error', (error: ServiceError) => {
      const refused = error.code === status.PERMISSION_DENIED || error.code === status.UNAUTHENTICATED
      if (refused && !this.#refused && !this.#closed) this.#onRefused(error)
      this.#refused = refused
      this.#lost(stream, refused ? 'refused' : undefined)
    })
    stream.on('end', () => this.#lost(stream))
  }

  #waitForWord(): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#stream?.cancel(), this.#silenceMs).unref()
  }

  #lost(stream: ClientReadableStream<WatchEvent>, why?: 'refused'): void {
    if (this.#closed || this.#stream !== stream) return
    this.#stream = undefined
    this.#onState(why)
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#watch(), this.#delayMs).unref()
    this.#delayMs = Math.min(this.#delayMs * 2, againMaxMs)
  }

  /** A drop that was missed, while the connection was broken, ends all leases. */
  #stateOf({ instanceId, keysReused, disabledKeyIds, drops, ...event }: WatchEvent): InstanceState {
    const known = this.#last?.instanceId === instanceId ? this.#last.drops : undefined
    const told = event.allDropped || event.droppedKeyIds.length > 0 ? 1 : 0
    const missed = known !== undefined && drops - told > known
    this.#last = { instanceId, drops }
    const droppedKeyIds = event.allDropped || missed ? 'all' : event.droppedKeyIds
    return { instanceId, keysReused, disabledKeyIds, droppedKeyIds }
  }
}
