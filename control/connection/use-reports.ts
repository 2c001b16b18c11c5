import { batchItemsMax, messageSizeMax } from '../proto.ts'
import type { EncryptionContext, KeyService, KeyUses } from '../service.ts'
import type { Clock } from '../session/session-clock.ts'
import { isTooLarge } from '../wire-errors.ts'

/** How long uses wait until they are told. */
const reportMs = 10_000
/** How long the last report may take. */
const closeMs = 300
/** Bytes of one report, by the sizes of its items' ids, which are about what a message has of them. */
const reportSizeMax = messageSizeMax / 2
/** Of several reports that could not be told; beyond, the oldest are given up. */
const heldMax = 10_000

type Counted = { -readonly [Name in keyof KeyUses]: KeyUses[Name] }
type Report = [id: string, uses: Counted][]

/** Counts what is done under leases, of which control sees nothing, and tells it for the audit. */
export class UseReports {
  readonly #service: Pick<KeyService, 'reportUses'>
  readonly #clock: Clock
  readonly #counted = new Map<string, Counted>()
  #cancel = () => {}
  #telling: Promise<void> | undefined
  #lost = 0

  constructor(service: Pick<KeyService, 'reportUses'>, clock: Clock) {
    this.#service = service
    this.#clock = clock
    this.#tellLater()
  }

  /** Objects whose use could never be told. */
  get lost(): number {
    return this.#lost
  }

  count(kind: 'sealed' | 'opened', keyId: string, context: EncryptionContext): void {
    this.#count(kind, { id: idOf(keyId, context), keyId, context })
  }

  /** The same for who counts again and again. */
  counter(kind: 'sealed' | 'opened', keyId: string, context: EncryptionContext): () => void {
    const of = { id: idOf(keyId, context), keyId, context }
    return () => this.#count(kind, of)
  }

  #count(
    kind: 'sealed' | 'opened',
    { id, keyId, context }: Pick<KeyUses, 'keyId' | 'context'> & { readonly id: string },
  ): void {
    const counted = this.#counted.get(id) ?? { keyId, context, sealed: 0, opened: 0 }
    counted[kind]++
    this.#counted.set(id, counted)
    // As many as a report has keys and contexts.
    if (this.#counted.size >= batchItemsMax) void this.tell()
  }

  /** Tells what there is; what cannot be told waits for the next time. Never throws. */
  tell(): Promise<void> {
    this.#telling ??= this.#tell().finally(() => {
      this.#telling = undefined
    })
    return this.#telling
  }

  /** Tells what is left, as far as control answers. */
  async close(): Promise<void> {
    this.#cancel()
    const told = (this.#telling ?? Promise.resolve()).then(() => this.tell())
    let timer: NodeJS.Timeout | undefined
    const tooLate = new Promise((resolve) => {
      timer = setTimeout(resolve, closeMs)
    })
    await Promise.race([told, tooLate])
    clearTimeout(timer)
  }

  async #tell(): Promise<void> {
    for (const report of this.#reports()) if (!(await this.#isTold(report))) return
  }

  /** What there is now, cut into reports that fit into a message. What is in one is not counted here any more. */
  *#reports(): Generator<Report> {
    let report: Report = []
    let size = 0
    for (const [id, uses] of [...this.#counted]) {
      const itemSize = Buffer.byteLength(id)
      const isFull = report.length === batchItemsMax || size + itemSize > reportSizeMax
      if (isFull && report.length > 0) {
        yield report
        report = []
        size = 0
      }
      this.#counted.delete(id)
      report.push([id, uses])
      size += itemSize
    }
    if (report.length > 0) yield report
  }

  /** False: control is away, which who asks for a key is told, and the counts go on with the next ones. */
  async #isTold(report: Report): Promise<boolean> {
    try {
      await this.#service.reportUses(report.map(([, uses]) => uses))
      return true
    } catch (error) {
      if (isTooLarge(error)) return this.#isToldInHalves(report)
      for (const [id, uses] of report) this.#putBack(id, uses)
      return false
    }
  }

  /** What no message can hold is alone in the end, and lost. */
  async #isToldInHalves(report: Report): Promise<boolean> {
    if (report.length === 1) {
      for (const [, uses] of report) this.#giveUp(uses)
      return true
    }
    const middle = Math.ceil(report.length / 2)
    const first = await this.#isTold(report.slice(0, middle))
    return (await this.#isTold(report.slice(middle))) && first
  }

  #giveUp({ sealed, opened }: Counted): void {
    this.#lost += sealed + opened
  }

  #putBack(id: string, uses: Counted): void {
    const since = this.#counted.get(id)
    if (since === undefined && this.#counted.size >= heldMax) {
      this.#giveUp(uses)
      return
    }
    const { keyId, context, sealed, opened } = uses
    const counted = since ?? { keyId, context, sealed: 0, opened: 0 }
    counted.sealed += sealed
    counted.opened += opened
    this.#counted.set(id, counted)
  }

  #tellLater(): void {
    this.#cancel = this.#clock.after(reportMs, () => {
      void this.tell().finally(() => this.#tellLater())
    })
  }
}

function idOf(keyId: string, context: EncryptionContext): string {
  return `${keyId}\n${JSON.stringify(context)}`
}
