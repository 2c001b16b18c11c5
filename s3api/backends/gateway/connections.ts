import { Client, type Dispatcher, Pool } from 'undici'
import { BackendError } from '../backend.ts'

/**
 * Connections to the store, apart by what they are for. A copy holds the one that it reads from until what it has read is written,
 * so that reading and writing must not wait for the same ones; what is short waits for no client; and a listing asks for many
 * objects at once, as who deletes may name many, which must not keep those waiting who ask for one.
 */
export type ConnectionUse = 'reading' | 'writing' | 'short' | 'listing' | 'removing'

const connectMs = 5_000
const keepAliveMs = 20_000

interface ConnectionOptions {
  readonly secure: boolean
  /** Of each use. */
  readonly connectionsMax: number
  readonly ca: readonly string[] | undefined
  /** How long a request waits for one that is free. */
  readonly waitMs: number
}

/** Whether a request has come to its connection yet, or waits no longer. */
interface Turn {
  state: 'waiting' | 'taken' | 'missed'
}

type WithTurn<Options> = Options & { readonly turn?: Turn }

export class Connections {
  readonly #options: ConnectionOptions
  readonly #pools = new Map<string, Pool>()
  #closed = false

  constructor(options: ConnectionOptions) {
    this.#options = options
  }

  /** Errors: those of undici; BackendError busy where no connection is free for too long; the signal's reason. */
  async request(
    { host, use }: { readonly host: string; readonly use: ConnectionUse },
    options: Dispatcher.RequestOptions & { readonly signal?: AbortSignal },
  ): Promise<Dispatcher.ResponseData> {
    const turn: Turn = { state: 'waiting' }
    const request: WithTurn<Dispatcher.RequestOptions> = { ...options, turn }
    const answer = this.#poolOf(host, use).request(request)
    // It is taken in the call above where a connection is free.
    return turn.state === 'waiting' ? this.#queued(answer, turn, options.signal) : answer
  }

  /** Ends what is under way. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true
    await Promise.all([...this.#pools.values()].map((pool) => pool.destroy()))
  }

  /** In undici's queue, where it has no limit of time, and a signal is looked at only when a connection is free. */
  async #queued(
    answer: Promise<Dispatcher.ResponseData>,
    turn: Turn,
    signal: AbortSignal | undefined,
  ): Promise<Dispatcher.ResponseData> {
    const { waitMs } = this.#options
    let timer: NodeJS.Timeout | undefined
    let giveUp = () => {}
    const missed = new Promise<never>((_, reject) => {
      const miss = (error: unknown) => {
        if (turn.state !== 'waiting') return
        turn.state = 'missed'
        reject(error)
      }
      const late = new BackendError('busy', `no connection to the store was free for ${waitMs / 1000} s`)
      timer = setTimeout(miss, waitMs, late)
      giveUp = () => miss(signal?.reason)
    })
    if (signal?.aborted === true) giveUp()
    signal?.addEventListener('abort', giveUp)
    try {
      return await Promise.race([answer, missed])
    } finally {
      clearTimeout(timer)
      signal?.removeEventListener('abort', giveUp)
    }
  }

  #poolOf(host: string, use: ConnectionUse): Pool {
    if (this.#closed) throw new BackendError('unavailable', 'the gateway is closed')
    const name = `${use} ${host}`
    const known = this.#pools.get(name)
    if (known !== undefined) return known
    const { secure, connectionsMax, ca } = this.#options
    const pool = new Pool(`${secure ? 'https' : 'http'}://${host}`, {
      connections: connectionsMax,
      pipelining: 1,
      keepAliveTimeout: keepAliveMs,
      // A slow client must not end the read of its object: UpstreamBody watches.
      bodyTimeout: 0,
      connect: { timeout: connectMs, ...(ca !== undefined && { ca: [...ca] }) },
      factory: (origin, options) => new Connection(origin, options),
    })
    this.#pools.set(name, pool)
    return pool
  }
}

/** To which the pool gives the requests of its queue, one after the other. */
class Connection extends Client {
  override dispatch(
    options: WithTurn<Dispatcher.DispatchOptions>,
    handler: Dispatcher.DispatchHandler,
  ): boolean {
    const { turn } = options
    // Whose request it is has had an error: the next one, please.
    if (turn?.state === 'missed') return true
    if (turn !== undefined) turn.state = 'taken'
    return super.dispatch(options, handler)
  }
}
