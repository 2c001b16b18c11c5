import type { OwnershipMode } from './access/bucket-access.ts'

/** What a front-end is configured with; parsed once by cli, frozen, handed down. Holds no KMS secret. */
export interface FrontEndConfig {
  readonly address: { readonly host: string; readonly port: number }
  /** PEM files, re-read when they change. */
  readonly tls?: { readonly certFile: string; readonly keyFile: string }
  /** Host names under which `bucket.name` is virtual-host style, lower-case. `localhost` always is one. */
  readonly domains: readonly string[]
  readonly region: string
  /** Of the root user. */
  readonly credentials: ReadonlyMap<string, Credential>
  /** JSON file with further users, re-read when it changes. */
  readonly usersFile?: string
  /** For buckets that do not say. Absent: BucketOwnerEnforced. */
  readonly objectOwnership?: OwnershipMode
  /** Which requests may be signed with Signature V2. Absent: presigned. */
  readonly signatureV2?: SignatureV2Mode
  /** SSE-S3 for whatever a client stores without an encryption header of its own. */
  readonly autoEncryption: boolean
  /** SSE-C on a plain listener. */
  readonly allowSseCOverHttp: boolean
  /** Peers whose X-Forwarded-Proto is believed: addresses or CIDR ranges. */
  readonly trustedProxies: readonly string[]
  /** Requests worked on at once; more are answered 503 SlowDown. */
  readonly requestsMax: number
  /** How much of the places that no other user holds one user may have; 100: all. */
  readonly requestsSharePercent: number
  /** Connections open at once; more are closed as they come. Absent: any number. */
  readonly connectionsMax?: number
  /** A request body or response slower than this for 30 seconds is ended. */
  readonly bytesPerSecondMin: number
  /** How long a stop waits for running requests. */
  readonly drainMs: number
}

/** `presigned`: presigned URLs and forms; `all`: also the Authorization header; `off`: none. */
export const signatureV2Modes = ['presigned', 'all', 'off'] as const
export type SignatureV2Mode = (typeof signatureV2Modes)[number]

export interface Credential {
  readonly accessKey: string
  readonly secretKey: string
}
