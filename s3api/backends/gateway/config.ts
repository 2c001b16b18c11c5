/** What a gateway is configured with; parsed once by cli, frozen, handed down. */
export interface GatewayConfig {
  readonly endpoint: {
    readonly secure: boolean
    readonly host: string
    readonly port: number
  }
  /** Where signatures are for, until the store names a bucket's own region. */
  readonly region: string
  readonly credentials: BackendCredentials
  /** PEM: trusted besides the system's certificate authorities. */
  readonly caFile?: string
  /** Sealgate's own bucket; clients cannot see it. */
  readonly systemBucket: string
  /** Nothing is encrypted here: requests go to the store as they come, and nothing of Sealgate's own is kept there. */
  readonly passThrough: boolean
  /** For which kinds of encryption the store is asked to encrypt as well. */
  readonly double: { readonly s3: boolean; readonly c: boolean }
  /** Objects that a MinIO gateway has stored are shown beside our own. */
  readonly readMinio: boolean
  /** Connections to the store, of each use (`ConnectionUse`). */
  readonly connectionsMax: number
}

export type BackendCredentials =
  | { readonly kind: 'static'; readonly credential: BackendCredential }
  /** An AWS credentials file, read again when it changes. */
  | { readonly kind: 'profile'; readonly file: string; readonly profile: string }

export interface BackendCredential {
  readonly accessKey: string
  readonly secretKey: string
  readonly sessionToken?: string
}
