import type { Metrics } from './joined-metrics.ts'

/** The work of one process, started. */
export interface RunningProcess {
  /** What those who started it want to know: addresses. */
  readonly facts: Readonly<Record<string, string>>
  /** For whoever answers the operators in its place. */
  report?(): Promise<Report>
  close(): Promise<void>
}

/** How a process is, and its metrics as data. */
export interface Report {
  readonly ready: boolean
  readonly reasons: readonly string[]
  readonly metrics: Metrics
}
