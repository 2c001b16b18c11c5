import { setMaxListeners } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { BlockList } from 'node:net'
import type { Logger } from 'pino'
import { takeRandom } from '../../engine/index.ts'
import type { User, Users } from '../access/users.ts'
import type { DocumentBudget } from '../auth/document-budget.ts'
import { withQueryHeaders } from '../auth/query-headers.ts'
import { S3Error } from '../errors.ts'
import type { FrontEndMetrics } from '../metrics.ts'
import type { Operation, Reply, Services } from '../operation.ts'
import { type RequestTrace, requestTrace, storeRequestIdOf } from '../request-trace.ts'
import { toHex } from '../text.ts'
import { admit, type Findings } from './admission.ts'
import { BodyPieces, expectsContinue } from './body-pieces.ts'
import { preflight, withCrossOrigin } from './cross-origin.ts'
import { errorReply, toS3Error } from './error-reply.ts'
import { discardBody, lingerOn, parseRequest } from './incoming.ts'
import { isRefusal, type OutageLog, reasonOf } from './outage-log.ts'
import { send } from './outgoing.ts'
import { RateFloor } from './rate-floor.ts'
import type { Router } from './router.ts'
import type { Slot, Slots } from './slots.ts'

/** What all requests of a front-end share. */
export interface Surroundings {
  readonly services: Services
  readonly users: () => Users
  readonly router: Router
  readonly slots: Slots
  readonly documents: DocumentBudget
  readonly rateWindowMs: number
  /** Absent: no proxy is believed. */
  readonly trusted: BlockList | undefined
  readonly encrypted: boolean
  readonly log: Logger
  readonly outages: OutageLog
  readonly metrics: FrontEndMetrics
  /** No further request on this connection. */
  readonly ending: () => boolean
}

/** What is known of a request, for its log line and its error. */
interface Facts extends Findings {
  operation?: Operation
  /** The request's. */
  body?: BodyPieces
  code?: string
  /** Why it failed, where that is not for the client. */
  reason?: string
  /** The key service said no. */
  keyRefused?: boolean
  sent: number
  /** Of requests to the store that failed, or that this one stood for. */
  storeRequestIds: readonly string[]
}

/**
 * One request from its first byte to its log line: target, authentication, route, operation, reply. Everything that can be
 * thrown is caught here; a client cannot do more than end its own connection.
 */
export async function exchange(
  surroundings: Surroundings,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const requestId = toHex(takeRandom(8)).toUpperCase()
  const log = surroundings.log.child({ requestId })
  const work = (trace?: RequestTrace) =>
    serve(surroundings, { incoming, outgoing, requestId, log, storeRequestIds: trace?.storeRequestIds ?? [] })
  if (!log.isLevelEnabled('debug')) return work()
  const trace: RequestTrace = { requestId, storeRequestIds: [] }
  return requestTrace.run(trace, () => work(trace))
}

async function serve(
  surroundings: Surroundings,
  {
    incoming,
    outgoing,
    requestId,
    log,
    storeRequestIds,
  }: {
    readonly incoming: IncomingMessage
    readonly outgoing: ServerResponse
    readonly requestId: string
    readonly log: Logger
    readonly storeRequestIds: readonly string[]
  },
): Promise<void> {
  const { services, metrics, slots } = surroundings
  const startedAt = performance.now()
  const facts: Facts = { sent: 0, storeRequestIds }
  const gone = new AbortController()
  // Each look-up of a listing listens.
  setMaxListeners(0, gone.signal)
  outgoing.on('close', () => {
    if (!outgoing.writableFinished) gone.abort(new Error('the client went away'))
  })
  incoming.on('error', () => gone.abort(new Error('the client went away')))
  const floor = new RateFloor(services.config.bytesPerSecondMin, surroundings.rateWindowMs)
  const slot = slots.take()
  const given = { incoming, outgoing, facts, floor, requestId, log, signal: gone.signal }
  const plain = slot === undefined ? refuse(surroundings, given) : await answer(surroundings, slot, given)
  if (plain.passedOn !== undefined) {
    const { code, storeRequestIds } = plain.passedOn
    if (code !== undefined) facts.code = code
    facts.storeRequestIds = storeRequestIds
  }
  const reply = await withCrossOrigin(services.backend, facts.request, { reply: plain, log })
  // Nothing is worked on for a client that only has to hear that it failed.
  if (facts.code !== undefined) slot?.leave()
  try {
    const atOnce = facts.code === 'SlowDown' || facts.code === 'RequestTimeout'
    await respond(surroundings, given, { reply, atOnce })
  } catch (error) {
    // The headers are out: all that can be told now is that the response is not whole.
    if (!gone.signal.aborted) {
      facts.code = toS3Error(error, log).code
      failedBy(surroundings, facts, error)
    }
    outgoing.destroy()
  } finally {
    floor.close()
    slot?.leave()
  }
  const name = facts.operation?.name ?? 'unknown'
  const code = gone.signal.aborted ? 'ClientGone' : (facts.code ?? 'OK')
  const durationMs = performance.now() - startedAt
  metrics.end({ operation: name, code, durationMs, sent: facts.sent })
  const { bucket, key } = facts.request ?? {}
  // A key that is refused is for an operator to look at, request by request; an outage has lines of its own.
  log[facts.keyRefused === true ? 'warn' : 'info']({
    operation: name,
    bucket,
    key,
    user: facts.user?.id,
    status: outgoing.statusCode,
    code,
    // What is undefined is not in the line.
    reason: facts.reason,
    sent: facts.sent,
    ms: Math.round(durationMs),
    storeRequestIds: facts.storeRequestIds.length > 0 ? facts.storeRequestIds : undefined,
  })
}

function failedBy({ outages }: Surroundings, facts: Facts, error: unknown): void {
  outages.failed(error)
  const reason = reasonOf(error)
  if (reason !== undefined) facts.reason = reason
  facts.keyRefused = isRefusal(error)
  const id = storeRequestIdOf(error)
  if (id !== undefined && !facts.storeRequestIds.includes(id)) {
    facts.storeRequestIds = [...facts.storeRequestIds, id]
  }
}

/** A request and what accompanies it. */
interface Given {
  readonly incoming: IncomingMessage
  readonly outgoing: ServerResponse
  readonly facts: Facts
  readonly floor: RateFloor
  readonly requestId: string
  readonly log: Logger
  readonly signal: AbortSignal
}

/** More requests than there are places: this one is not even looked at. */
function refuse({ metrics }: Surroundings, { incoming, facts, requestId }: Given): Reply {
  metrics.refused('places')
  facts.code = 'SlowDown'
  return errorReply(new S3Error('SlowDown'), { method: incoming.method ?? '', resource: '', requestId })
}

async function answer(
  surroundings: Surroundings,
  slot: Slot,
  { incoming, outgoing, facts, floor, requestId, log, signal }: Given,
): Promise<Reply> {
  const { services, users, router, documents, trusted, encrypted, metrics } = surroundings
  const { config } = services
  const placeFor = (user: User | undefined) => {
    if (slot.give(user?.id)) return
    metrics.refused('share')
    throw new S3Error('SlowDown')
  }
  try {
    const sent = parseRequest(incoming, config, { encrypted, trusted })
    const request = withQueryHeaders(sent)
    facts.request = request
    if (request.method === 'OPTIONS') {
      placeFor(undefined)
      return await preflight(services.backend, request)
    }
    const operation = router(request)
    facts.operation = operation
    facts.body = new BodyPieces(incoming, outgoing, floor)
    const source = metrics.received(facts.body)
    return await admit(
      operation,
      { sent, request, rawHeaders: incoming.rawHeaders, source },
      { services, users: users(), documents, placeFor, requestId, log, signal },
      facts,
    )
  } catch (error) {
    const known = signal.aborted ? new S3Error('RequestTimeout') : toS3Error(error, log)
    facts.code = known.code
    // What breaks off because its client has gone says nothing of the store or the KMS.
    if (!signal.aborted) failedBy(surroundings, facts, error)
    const resource = facts.request === undefined ? '' : `/${facts.request.bucket}/${facts.request.key}`
    return errorReply(known, { method: incoming.method ?? '', resource, requestId })
  }
}

/** `atOnce`: without waiting for what the client still sends. */
async function respond(
  { ending }: Surroundings,
  { incoming, outgoing, facts, floor, requestId }: Given,
  { reply, atOnce }: { readonly reply: Reply; readonly atOnce: boolean },
): Promise<void> {
  // Whoever still waits for 100 sends nothing more when the answer is another.
  const waiting = expectsContinue(incoming) && facts.body?.begun !== true && !incoming.complete
  const whole = incoming.complete || (!waiting && !atOnce && (await discardBody(incoming)))
  const headers = {
    'x-amz-request-id': requestId,
    'x-amz-id-2': requestId,
    Server: 'Sealgate',
    ...((!whole || ending()) && { Connection: 'close' }),
  }
  const lingers = !whole && !waiting
  facts.sent = await send(outgoing, reply, {
    headers,
    floor,
    ...(lingers && { linger: () => lingerOn(incoming) }),
  })
}
