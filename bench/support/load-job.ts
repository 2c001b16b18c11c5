/** What a load generator is told, and what it answers. It is a process of its own, so that it shares no loop with a server. */

export interface LoadRequest {
  readonly method: string
  /** Path and query, as they go into the request line. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  /** Bytes of body; made up. */
  readonly bodySize: number
}

export interface LoadJob {
  readonly host: string
  readonly port: number
  readonly connections: number
  /** Taken in turn by whichever connection is free, over and over, or each once. */
  readonly requests: readonly LoadRequest[]
  /** How long; absent: each request once. */
  readonly seconds?: number
}

export interface LoadResult {
  readonly seconds: number
  readonly requests: number
  /** Body bytes, sent and received. */
  readonly bytes: number
  /** Answers that were not 2xx, and connections that broke. */
  readonly failures: number
  readonly firstFailure?: string
  readonly latencyMs: { readonly p50: number; readonly p99: number }
}
