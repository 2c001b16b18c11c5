import { codeOf, KmsError, type KmsErrorCode } from '../errors.ts'
import { batchItemsMax } from '../proto.ts'
import type { EncryptionContext } from '../service.ts'
import type { LimitedClients } from './client-limits.ts'
import type { Caller, Identities, PeerCall } from './identity.ts'
import { itemCountOf, type Operation, operations, type Subject, subjectsOf } from './operations.ts'
import type { CurrentPolicy } from './policy-file.ts'

/** What audit writes of one use of a key. */
export interface AuditEntry {
  readonly identity: string
  readonly peer: string
  readonly operation: Operation
  readonly keyId: string
  readonly context: EncryptionContext
  readonly outcome: 'ok' | KmsErrorCode
  /** Answered from control's own memory, without the KMS. */
  readonly cached: boolean
  readonly uses?: Subject['uses']
}

/** Where the gate writes; `audit.ts` is one. */
export interface AuditTrail {
  /** Errors: KmsError `unavailable` when nothing can be written, and operations are to be refused then. */
  requireWritable(): void
  /** Resolves when the entries are written. Errors: as above. */
  append(entries: readonly AuditEntry[]): Promise<void>
}

/** What a handler tells of its work. */
export interface Notes {
  /** The answer, or the item of a batch with this index, came from the cache. */
  cached(index?: number): void
}

/** More of a request than this is not written down: no such key or context is one that an operation would take. */
const auditedKeyIdLengthMax = 128
const auditedContextSizeMax = 16 * 1024

interface BatchResult {
  readonly results: readonly { readonly error?: string }[]
}

/**
 * The one way to an operation: tells who calls, keeps to the client's limits, asks policy, and writes the audit, for every
 * operation alike.
 */
export class Gate {
  readonly #identities: Identities
  readonly #limits: LimitedClients
  readonly #policy: CurrentPolicy
  readonly #audit: AuditTrail | undefined
  readonly #defaultKeyId: string

  constructor(parts: {
    readonly identities: Identities
    readonly limits: LimitedClients
    readonly policy: CurrentPolicy
    readonly audit: AuditTrail | undefined
    readonly defaultKeyId: string
  }) {
    this.#identities = parts.identities
    this.#limits = parts.limits
    this.#policy = parts.policy
    this.#audit = parts.audit
    this.#defaultKeyId = parts.defaultKeyId
  }

  /**
   * Does the work of one request if this caller may ask for it. A batch is worked on without the items that are denied to
   * it; `itemFailed` is told of each. Errors: KmsError `access-denied`, `unavailable` (a limit, or an audit that cannot be
   * written), `too-large` for a batch of too many items, and the work's own.
   */
  async pass<Request, Response>(
    call: PeerCall,
    operation: Operation,
    request: Request,
    work: (request: Request, notes: Notes) => Promise<Response>,
    itemFailed: (error: KmsError) => void = () => {},
  ): Promise<Response> {
    const caller = this.#identities.of(call)
    const itemCount = itemCountOf(operation, request)
    const leave = this.#limits.enter(caller.identity, { weight: Math.max(1, itemCount) })
    try {
      // Asked and written down as one: a caller without any rule could make control look at what fills a message, and write it.
      if (itemCount > batchItemsMax) return await this.#passOne(caller, operation, request, [], refuseBatch)
      const subjects = subjectsOf(operation, request, this.#defaultKeyId)
      return operations[operation].uses === 'items'
        ? // kms.proto: requests and answers of these have items and results.
          ((await this.#passBatch(caller, operation, request as never, {
            subjects,
            work: work as never,
            itemFailed,
          })) as Response)
        : await this.#passOne(caller, operation, request, subjects, work)
    } finally {
      leave()
    }
  }

  /**
   * For streams, which are open as long as their client likes: whether this caller may open one. Whoever calls it calls the
   * result when it is over. Each message that uses a key takes the way of {@link pass}. Errors: KmsError `access-denied`,
   * `unavailable` for a limit.
   */
  open(call: PeerCall, operation: Operation): () => void {
    return this.#limits.enter(this.#allowed(call, operation).identity)
  }

  /**
   * For a stream whose client sends nothing any more: whether it could still be opened. Errors: KmsError `access-denied`.
   */
  requireAllowed(call: PeerCall, operation: Operation): void {
    this.#allowed(call, operation)
  }

  /** Who calls, for the log; never throws. */
  shown(call: PeerCall): Partial<Caller> {
    return this.#identities.shown(call)
  }

  #allowed(call: PeerCall, operation: Operation): Caller {
    const caller = this.#identities.of(call)
    if (!this.#policy.current().allows(caller.identity, operation)) throw denied(operation)
    return caller
  }

  async #passOne<Request, Response>(
    caller: Caller,
    operation: Operation,
    request: Request,
    subjects: readonly Subject[],
    work: (request: Request, notes: Notes) => Promise<Response>,
  ): Promise<Response> {
    const [subject] = subjects
    let cached = false
    const entries = (outcome: AuditEntry['outcome']) => [
      { ...caller, operation, ...audited(subject ?? { keyId: '', context: {} }), outcome, cached },
    ]
    if (operations[operation].audited) this.#audit?.requireWritable()
    try {
      if (!this.#policy.current().allows(caller.identity, operation, subject))
        throw denied(operation, subject)
      const response = await work(request, {
        cached() {
          cached = true
        },
      })
      await this.#write(operation, () => entries('ok'))
      return response
    } catch (error) {
      if (error instanceof AuditFailure) throw error.cause
      await this.#write(operation, () => entries(codeOf(error))).catch(unwrap)
      throw error
    }
  }

  async #passBatch(
    caller: Caller,
    operation: Operation,
    request: { readonly items: readonly unknown[] },
    {
      subjects,
      work,
      itemFailed,
    }: {
      readonly subjects: readonly Subject[]
      readonly work: (request: { items: readonly unknown[] }, notes: Notes) => Promise<BatchResult>
      readonly itemFailed: (error: KmsError) => void
    },
  ): Promise<BatchResult> {
    const policy = this.#policy.current()
    if (subjects.length === 0 && !policy.allows(caller.identity, operation)) throw denied(operation)
    const cached = new Set<number>()
    const allowed = subjects.flatMap((subject, index) => {
      if (policy.allows(caller.identity, operation, subject)) return [index]
      itemFailed(denied(operation, subject))
      return []
    })
    this.#audit?.requireWritable()
    const entries = (outcomeOf: (index: number) => AuditEntry['outcome']) =>
      subjects.map((subject, index) => ({
        ...caller,
        operation,
        ...audited(subject),
        outcome: outcomeOf(index),
        cached: cached.has(index),
      }))
    const ofIndex = new Map(allowed.map((index, position) => [index, position]))
    try {
      const { results } = await work(
        { ...request, items: allowed.map((index) => request.items[index]) },
        { cached: (position = 0) => cached.add(allowed[position] ?? -1) },
      )
      const merged = subjects.map((_, index) => {
        const position = ofIndex.get(index)
        return (position === undefined ? undefined : results[position]) ?? deniedItem
      })
      // An item's error is a code of errors.ts.
      await this.#write(operation, () =>
        entries((index) => (merged[index]?.error as KmsErrorCode | undefined) || 'ok'),
      )
      return { results: merged }
    } catch (error) {
      if (error instanceof AuditFailure) throw error.cause
      const code = codeOf(error)
      await this.#write(operation, () =>
        entries((index) => (ofIndex.has(index) ? code : 'access-denied')),
      ).catch(unwrap)
      throw error
    }
  }

  /** `entries` is asked only where there is an audit. */
  async #write(operation: Operation, entries: () => readonly AuditEntry[]): Promise<void> {
    if (this.#audit === undefined || !operations[operation].audited) return
    await this.#audit.append(entries()).catch((error: unknown) => {
      throw new AuditFailure('the audit cannot be written', { cause: error })
    })
  }
}

function audited({ keyId, context, uses }: Subject): Subject {
  const size = Object.entries(context).reduce((sum, [name, value]) => sum + name.length + value.length, 0)
  return {
    keyId: keyId.slice(0, auditedKeyIdLengthMax),
    context: size > auditedContextSizeMax ? { '': `${size} characters, not written down` } : context,
    ...(uses !== undefined && { uses }),
  }
}

async function refuseBatch(): Promise<never> {
  throw new KmsError('too-large', `a batch has at most ${batchItemsMax} items`)
}

const deniedItem = { error: 'access-denied', result: 'error' } as const

/** The work was done and could not be written down: not an outcome to be written down in its turn. */
class AuditFailure extends Error {}

function unwrap(error: unknown): never {
  throw error instanceof AuditFailure ? error.cause : error
}

function denied(operation: Operation, subject?: Subject): KmsError {
  const bound = subject && ` with key "${audited(subject).keyId}" and this context`
  return new KmsError('access-denied', `policy does not allow this client ${operation}${bound ?? ''}`)
}
