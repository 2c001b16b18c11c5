import type { Logger } from 'pino'
import type { CryptoPool, HashName, PlainBatch } from '../engine/index.ts'
import type { S3Action } from './access/actions.ts'
import type { Authorizer, Need } from './access/authorizer.ts'
import type { User, Users } from './access/users.ts'
import type { Backend, ChecksumAlgorithm } from './backends/backend.ts'
import type { FrontEndConfig } from './config.ts'
import type { DataKeys } from './sse/data-keys.ts'

/**
 * One S3 operation: a row of `operations/index.ts`. Authentication, error mapping, metrics and logs happen once, around
 * the table; a handler returns a reply or throws S3Error, BackendError, KmsError or DareError.
 */
export interface Operation {
  /** As the S3 API names it, for example `PutObject`. */
  readonly name: string
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE'
  readonly scope: 'service' | 'bucket' | 'object'
  /** Sub-resources (query names) which the request has, all of them and no other sub-resource. */
  readonly query?: readonly string[]
  /** Its request is a form, which has the signature, the key and what would be headers in its fields. */
  readonly form?: true
  /** Takes `versionId`. */
  readonly versions?: true
  /** A header, or its absence, that tells this operation from its neighbour with the same query. */
  readonly header?: { readonly name: string; readonly present: boolean }
  /**
   * What a request must be allowed to do, on its bucket or object unless the operation says more. Asked before the body is
   * read; a handler that finds more to do in the body asks `context.access` itself.
   */
  readonly action: S3Action | ((request: S3Request) => readonly Need[])
  /**
   * What only the body names. The handler asks for it; whoever sends a request on in place of the handler has to as well.
   */
  readonly needsOfBody?: (request: S3Request, body: Uint8Array) => readonly Need[]
  /** `object`: x-amz-checksum-* headers speak of the object that the request makes, not of the request's own payload. */
  readonly checksumHeaders?: 'object'
  /** Bytes that its body has at most where that is a document. Absent: {@link documentSizeMaxDefault}. */
  readonly documentSizeMax?: number
  handle(context: RequestContext): Promise<Reply>
}

export const documentSizeMaxDefault = 64 * 1024

/** What every operation may use; made once by the front-end. */
export interface Services {
  readonly config: FrontEndConfig
  readonly backend: Backend
  readonly pool: CryptoPool
  /** Absent without a KMS: then there is no SSE-S3 and no SSE-KMS. */
  readonly keys?: DataKeys
  readonly now: () => number
}

/** What is needed to read objects. */
export type ReadServices = Pick<Services, 'backend' | 'pool' | 'keys'>

export interface RequestContext {
  readonly services: Services
  /** Of a form: the PUT that it stands for. */
  readonly request: S3Request
  /** By lower-case name. */
  readonly formFields?: ReadonlyMap<string, string>
  readonly body: RequestBody
  readonly requestId: string
  /** Who signed the request; undefined: nobody. */
  readonly user: User | undefined
  /** What the request may do. */
  readonly access: Authorizer
  /** The users as they were when the request came. */
  readonly users: Users
  readonly log: Logger
  /** Aborted when the client goes away or the server gives up on the request. */
  readonly signal: AbortSignal
}

/** A request, parsed once: names decoded, header names lower-case. */
export interface S3Request {
  readonly method: string
  /** Path and query exactly as sent: signatures cover it. */
  readonly rawUrl: string
  /** Empty at service level. */
  readonly bucket: string
  /** The bucket is named by the host, not by the path. */
  readonly virtualHost?: true
  /** Empty at service and bucket level. */
  readonly key: string
  /** Decoded; the last one wins where a name is repeated. */
  readonly query: ReadonlyMap<string, string>
  /** By lower-case name, UTF-8 text; repeated headers joined with a comma. */
  readonly headers: ReadonlyMap<string, string>
  /** Came over TLS, or through a proxy that is trusted to say so. */
  readonly secure: boolean
  readonly remoteAddress: string
}

/** The payload, freed of its transfer form. Reading it verifies chunk signatures as it goes. */
export interface RequestBody {
  /** Payload bytes as announced; undefined only for operations that need no body. */
  readonly size: number | undefined
  readonly stream: AsyncIterable<Uint8Array>
  /** Hashes that `verify` will want; the reader computes them over the whole payload. */
  readonly hashes: readonly HashName[]
  /**
   * To be called after the stream ended and before anything is stored. Compares with Content-MD5, x-amz-content-sha256
   * and x-amz-checksum-* (header or trailer). Throws S3Error BadDigest, XAmzContentSHA256Mismatch, IncompleteBody.
   */
  verify(digests: Readonly<Partial<Record<HashName, Uint8Array>>>): void
  /** The checksum that the client announced: known from the start, its value only after the stream has ended. */
  readonly checksumAlgorithm: ChecksumAlgorithm | undefined
  /** The announced checksum, base64, as `verify` found it right; undefined where none was announced. */
  checksum(): { readonly algorithm: ChecksumAlgorithm; readonly value: string } | undefined
  /** The whole payload, verified. Errors: MaxMessageLengthExceeded beyond what documents of the operation may have. */
  readAll(): Promise<Uint8Array>
}

export interface Reply {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  /** A document's text, XML unless the headers name another type; or bytes, or an object's data of a known size. HEAD replies carry what GET would have in `headers` only. */
  readonly body?: string | Uint8Array | DataBody
  /** An answer of the store's that is given on: what log and metrics tell of it. */
  readonly passedOn?: { readonly code?: string; readonly storeRequestIds: readonly string[] }
}

export interface DataBody {
  readonly size: number
  readonly batches: AsyncGenerator<PlainBatch, void, undefined>
}
