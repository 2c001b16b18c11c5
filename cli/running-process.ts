/** The work of one process, started. */
export interface RunningProcess {
  /** What those who started it want to know: addresses. */
  readonly facts: Readonly<Record<string, string>>
  close(): Promise<void>
}
