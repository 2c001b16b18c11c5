import { randomBytes } from 'node:crypto'
import { Refusal, type Reply, toReply } from './reply.ts'

interface Wrapped {
  readonly reply: Reply
  readonly creationPath: string
  readonly createdAtMs: number
  readonly ttlSeconds: number
}

/** Answers that were put away, each for one who has its token, and for once. */
export class Wrapping {
  readonly #now: () => number
  readonly #wrapped = new Map<string, Wrapped>()

  constructor(now: () => number) {
    this.#now = now
  }

  wrap(reply: Reply, creationPath: string, ttlSeconds: number): Reply {
    const token = `hvs.${randomBytes(24).toString('base64url')}`
    const createdAtMs = this.#now()
    this.#wrapped.set(token, { reply, creationPath, createdAtMs, ttlSeconds })
    const creation_time = new Date(createdAtMs).toISOString()
    const wrap_info = { token, ttl: ttlSeconds, creation_time, creation_path: creationPath }
    return { status: 200, body: { request_id: '', data: null, wrap_info, auth: null } }
  }

  lookup(token: string): Reply {
    const { creationPath, createdAtMs, ttlSeconds } = this.#find(token)
    const creation_time = new Date(createdAtMs).toISOString()
    return toReply({ data: { creation_path: creationPath, creation_time, creation_ttl: ttlSeconds } })
  }

  unwrap(token: string): Reply {
    const { reply } = this.#find(token)
    this.#wrapped.delete(token)
    return reply
  }

  #find(token: string): Wrapped {
    const found = this.#wrapped.get(token)
    if (found === undefined || found.createdAtMs + found.ttlSeconds * 1000 <= this.#now()) {
      throw new Refusal(400, 'wrapping token is not valid or does not exist')
    }
    return found
  }
}
