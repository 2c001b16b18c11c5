import type { SealDomain } from '../../engine/index.ts'
import type { AskedEncryption, ObjectRecord, WriteCondition } from '../backends/backend.ts'
import type { ObjectAttributes } from '../backends/versions.ts'
import type { CustomerKey, RequestedEncryption } from '../sse/headers.ts'
import type { KeySeal, ObjectName } from '../sse/object-keys.ts'
import { sealRecord } from '../sse/records.ts'
import type { WritePlan } from './object-data.ts'
import type { ObjectHeaders } from './object-headers.ts'

/** What a backend is told of an object before its bytes come. */

/** Of the size of the real one. */
const etagPlaceholder = '0'.repeat(32)

/** The plan of an object that is written in one piece. */
export function planObject(
  { bucket, key }: ObjectName,
  {
    headers,
    size,
    sealing,
    attributes,
    condition,
    encryption,
  }: {
    readonly headers: ObjectHeaders
    /** Plaintext bytes. */
    readonly size: number
    readonly sealing: { readonly objectKey: Uint8Array; readonly seal: KeySeal } | undefined
    readonly attributes: ObjectAttributes
    readonly condition: WriteCondition | undefined
    readonly encryption: RequestedEncryption | undefined
  },
): WritePlan {
  const plain: ObjectRecord = { ...headers, size, etag: etagPlaceholder, modifiedAtMs: 0 }
  return {
    bucket,
    key,
    becomes: {
      kind: 'object',
      record: sealing === undefined ? plain : sealRecord(plain, sealing, { bucket, key }),
      attributes,
      ...(condition !== undefined && { condition }),
    },
    ...(encryption !== undefined && { asked: askedOf(encryption) }),
  }
}

/** What backends are told of the encryption that a client asks for. */
export function askedOf(encryption: RequestedEncryption): AskedEncryption {
  return askedFor(encryption.mode, encryption.mode === 'SSE-C' ? encryption : undefined)
}

/** The same of an upload that runs already. */
export function askedFor(mode: SealDomain, customerKey: CustomerKey | undefined): AskedEncryption {
  return { mode, ...(customerKey !== undefined && { customerKey: customerKey.key }) }
}
