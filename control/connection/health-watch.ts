import { type Client, type ClientReadableStream, type ServiceError, status } from '@grpc/grpc-js'
import { service as healthService } from 'grpc-health-check'
import { keysServiceName } from '../proto.ts'

/**
 * How an instance is, the best first: it says that it serves; nothing is known yet, or it does not tell; it is draining; it
 * cannot be reached.
 */
export const healths = ['serving', 'unknown', 'draining', 'away'] as const
export type Health = (typeof healths)[number]

const watchAgainMinMs = 100
const watchAgainMaxMs = 1_000
/** What says at once that it serves is not silent: the KMS behind it is slow. */
const doubtIntervalMs = 5_000
const { path, requestSerialize, responseDeserialize } = healthService.Watch as NonNullable<
  (typeof healthService)[string]
>

/** Follows the health that one instance tells of itself (grpc.health.v1 Watch), over the client's own connection. */
export class HealthWatch {
  readonly #client: Client
  readonly #changed: (health: Health) => void
  readonly #steadyMs: () => number
  #doubtedAtMs = Number.NEGATIVE_INFINITY
  #health: Health = 'unknown'
  #stream: ClientReadableStream<{ status: string }> | undefined
  #timer: NodeJS.Timeout | undefined
  #delayMs = watchAgainMinMs
  #closed = false

  constructor(
    client: Client,
    changed: (health: Health) => void,
    steadyMs: () => number = () => performance.now(),
  ) {
    this.#client = client
    this.#changed = changed
    this.#steadyMs = steadyMs
    this.#watch()
  }

  get health(): Health {
    return this.#health
  }

  /** What it said last may not be true any more: it is asked anew, not too often, and nothing is known until it answers. */
  doubt(): void {
    if (this.#closed || this.#health === 'unknown') return
    const nowMs = this.#steadyMs()
    if (nowMs - this.#doubtedAtMs < doubtIntervalMs) return
    this.#doubtedAtMs = nowMs
    this.#become('unknown')
    this.#stream?.cancel()
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
    this.#stream?.cancel()
  }

  #watch(): void {
    const request = { service: keysServiceName }
    // The definition is the one of grpc.health.v1, whose answer has this field.
    const stream = this.#client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, request)
    this.#stream = stream as ClientReadableStream<{ status: string }>
    this.#stream.on('data', (answer: { status: string }) => {
      this.#delayMs = watchAgainMinMs
      this.#become(answer.status === 'SERVING' ? 'serving' : 'draining')
    })
    this.#stream.on('error', (error: ServiceError) => {
      this.#become(error.code === status.UNAVAILABLE ? 'away' : 'unknown')
      this.#watchAgain()
    })
    this.#stream.on('end', () => this.#watchAgain())
  }

  #watchAgain(): void {
    if (this.#closed) return
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#watch(), this.#delayMs).unref()
    this.#delayMs = Math.min(this.#delayMs * 2, watchAgainMaxMs)
  }

  #become(health: Health): void {
    if (this.#closed || this.#health === health) return
    this.#health = health
    this.#changed(health)
  }
}
