import type { LoadRequest } from './load-job.ts'

/** What a process of slow clients is told, and what it tells. */

export interface SlowJob {
  readonly host: string
  readonly port: number
  readonly connections: number
  /** Taken in turn. Those with a body send it slowly; the others read their answers slowly. */
  readonly requests: readonly LoadRequest[]
  /** Bytes that each connection moves at a time, and how often. */
  readonly stepSize: number
  readonly stepMs: number
}

/** How the connections are, told after each step. */
export interface SlowReport {
  /** Got the first bytes of an answer, or have sent their first of a body. */
  readonly begun: number
  /** Were ended by the server, or have come to the end of what they do. */
  readonly ended: number
  /** Codes of the answers that were errors. */
  readonly codes: readonly string[]
}
