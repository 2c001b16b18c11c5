/** What a generator of key operations is told, and what it answers. */

export interface KeyLoadJob {
  /** The Unix socket of the control service. */
  readonly socketPath: string
  readonly servicePid: number
  /** `decrypt`: a call for each key; `stream`: a message on one stream for each. */
  readonly operation: 'generate' | 'decrypt' | 'stream' | 'batch'
  /** Sealed keys of a batch. */
  readonly batchSize: number
  readonly seconds: number
  /** Calls under way, each followed by the next as soon as it is answered. */
  readonly atOnce: number
  /** Calls that come due in a second, whether those before are answered or not; absent: as many as are answered. */
  readonly perSecond?: number
}

export interface KeyLoadResult {
  readonly calls: number
  readonly seconds: number
  /** Milliseconds that half of the calls stayed below, and all but one in a hundred, from when they came due. */
  readonly p50: number
  readonly p99: number
  /** Of the service's process, seconds; NaN where the kernel does not tell. */
  readonly cpuSeconds: number
}
