import { createHmac, timingSafeEqual } from 'node:crypto'
import type { EncryptionContext } from '../../control/client.ts'
import { DareError, deriveKey, type SealDomain } from '../../engine/index.ts'
import type { Completion as CompletionMessage } from '../../proto/gen/sealgate/envelope/v1/Completion.ts'
import type {
  EnvelopeInput,
  Envelope as EnvelopeMessage,
} from '../../proto/gen/sealgate/envelope/v1/Envelope.ts'
import type { Checksum, ObjectRecord } from '../backends/backend.ts'
import { messageType } from './envelope-proto.ts'

/**
 * The envelope: what an encrypted object's record carries so that its keys can be found again, and the MAC that binds
 * the record to the object's name and key. Specified in FORMAT.md §4.
 */
export interface Envelope {
  readonly mode: SealDomain
  /** SSE-S3 and SSE-KMS: where the data key comes from. */
  readonly kms?: KmsPart
  /** 32 bytes. */
  readonly iv: Uint8Array
  /** 64 bytes. */
  readonly sealedObjectKey: Uint8Array
  readonly layout: 'single' | 'parts'
  /** Plaintext bytes of the object. */
  readonly size: number
  /** Layout `parts`: in order. */
  readonly parts: readonly EnvelopePart[]
  readonly completion?: Completion
}

/** Of a running upload with SSE-C: what completes it without the client's key. */
export interface Completion {
  /** 32 bytes. */
  readonly iv: Uint8Array
  readonly kms: KmsPart
  /** 64 bytes: a key of its own, sealed as the object key of an object with SSE-S3. */
  readonly sealedKey: Uint8Array
  /** 96 bytes: under it, the keys of MACs. */
  readonly sealedMacKeys: Uint8Array
}

export interface EnvelopePart {
  readonly number: number
  readonly size: number
  /** 12 bytes: which of the streams under the part's key is the object's. Absent: nobody knows. */
  readonly nonce?: Uint8Array
}

export interface KmsPart {
  readonly keyId: string
  readonly sealedDataKey: Uint8Array
  readonly contextForm: 'object' | 'bucket'
  readonly clientContext: EncryptionContext
  /** 16 bytes, of a data key that serves many objects. */
  readonly epochId?: Uint8Array
}

/** The record's members, besides the envelope, that the MAC covers. */
export type MacFacts = Pick<
  ObjectRecord,
  'etag' | 'modifiedAtMs' | 'headers' | 'metadata' | 'storageClass' | 'checksum' | 'parts'
>

/** What an envelope's MAC is of, besides the envelope. */
export interface MacBinding {
  /** Of {@link envelopeMacKey}. */
  readonly macKey: Uint8Array
  readonly bucket: string
  readonly key: string
  readonly facts: MacFacts
}

const formatVersion = 1
const macSize = 32
/** Of a field's length, LE32. */
const lengthSize = 4
const epochIdSize = 16
const nonceSize = 12
const macLabel = 'sealgate/envelope/1'

const envelopeType = messageType('Envelope')

const modeNames = { 'SSE-S3': 'SSE_S3', 'SSE-KMS': 'SSE_KMS', 'SSE-C': 'SSE_C' } as const
/** The enumerations' numbers in the schema: with them a message is encoded as it is, and need not be converted first. */
const modeNumbers = { 'SSE-S3': 1, 'SSE-KMS': 2, 'SSE-C': 3 } as const
const layoutNumbers = { single: 1, parts: 2 } as const
const contextFormNumbers = { object: 1, bucket: 2 } as const

/** The envelope's bytes with their MAC, as stored. */
export function sealEnvelope(envelope: Envelope, binding: MacBinding): Uint8Array {
  const message: EnvelopeInput = {
    format: formatVersion,
    mode: modeNumbers[envelope.mode],
    iv: envelope.iv,
    sealedObjectKey: envelope.sealedObjectKey,
    layout: layoutNumbers[envelope.layout],
    size: envelope.size,
    parts: [...envelope.parts],
    ...(envelope.kms !== undefined && kmsFields(envelope.kms)),
    ...(envelope.completion !== undefined && { completion: completionFields(envelope.completion) }),
  }
  const bytes = envelopeType.encode(message).finish()
  return Buffer.concat([bytes, envelopeMac(bytes, binding)])
}

function kmsFields({ keyId, sealedDataKey, contextForm, clientContext, epochId }: KmsPart) {
  return {
    keyId,
    sealedDataKey,
    contextForm: contextFormNumbers[contextForm],
    clientContext,
    ...(epochId !== undefined && { epoch: epochId }),
  }
}

function completionFields({ iv, kms, sealedKey, sealedMacKeys }: Completion) {
  return { ...kmsFields(kms), iv, sealedKey, sealedMacKeys }
}

/** The fields of a stored envelope, not authenticated yet: find the object key with them, then call {@link verifyEnvelope}. */
export function parseEnvelope(stored: Uint8Array): Envelope {
  if (stored.length <= macSize) throw malformed('too short')
  let message: EnvelopeMessage
  try {
    // The options below give exactly the generated output type: strings for enums, numbers for 64-bit integers.
    message = envelopeType.toObject(envelopeType.decode(stored.subarray(0, -macSize)), {
      enums: String,
      longs: Number,
      defaults: true,
      arrays: true,
      objects: true,
    }) as EnvelopeMessage
  } catch (error) {
    throw malformed('not a protobuf message', error)
  }
  if (message.format !== formatVersion) throw malformed(`format ${message.format} is not known`)
  const mode = parseMode(message.mode)
  if (message.layout !== 'SINGLE' && message.layout !== 'PARTS') throw malformed('layout is missing')
  return {
    mode,
    iv: message.iv,
    sealedObjectKey: message.sealedObjectKey,
    layout: message.layout === 'SINGLE' ? 'single' : 'parts',
    size: message.size,
    parts: message.parts.map(parsePart),
    ...(mode !== 'SSE-C' && { kms: parseKmsPart(message) }),
    ...(mode === 'SSE-C' &&
      message.completion !== null && { completion: parseCompletion(message.completion) }),
  }
}

/** The key of the envelope's MAC, 32 bytes, owned by the caller. */
export function envelopeMacKey(objectKey: Uint8Array): Uint8Array {
  return deriveKey(objectKey, macLabel)
}

/** Throws DareError `tag-mismatch` unless the envelope, the record and the name belong together. */
export function verifyEnvelope(stored: Uint8Array, binding: MacBinding): void {
  const expected = envelopeMac(stored.subarray(0, -macSize), binding)
  if (!timingSafeEqual(stored.subarray(-macSize), expected)) {
    throw new DareError('tag-mismatch', 'the metadata of the object is not authentic')
  }
}

function parseMode(mode: EnvelopeMessage['mode']): SealDomain {
  for (const [name, wire] of Object.entries(modeNames)) {
    // Object.entries widens the keys of modeNames, all of which are domains.
    if (wire === mode) return name as SealDomain
  }
  throw malformed('mode is missing')
}

function parseCompletion(message: CompletionMessage): Completion {
  const { iv, sealedKey, sealedMacKeys } = message
  return { iv, kms: parseKmsPart({ ...message, clientContext: {} }), sealedKey, sealedMacKeys }
}

function parseKmsPart(
  message: Pick<EnvelopeMessage, 'keyId' | 'sealedDataKey' | 'contextForm' | 'clientContext' | 'epoch'>,
): KmsPart {
  if (message.contextForm !== 'CONTEXT_OBJECT' && message.contextForm !== 'CONTEXT_BUCKET') {
    throw malformed('context form is missing')
  }
  if (message.keyId === '' || message.sealedDataKey.length === 0) throw malformed('data key is missing')
  return {
    keyId: message.keyId,
    sealedDataKey: message.sealedDataKey,
    contextForm: message.contextForm === 'CONTEXT_OBJECT' ? 'object' : 'bucket',
    clientContext: message.clientContext,
    ...parseEpoch(message.epoch),
  }
}

function parseEpoch(epoch: Uint8Array): { readonly epochId?: Uint8Array } {
  if (epoch.length === 0) return {}
  if (epoch.length !== epochIdSize) throw malformed('the id of the epoch has a wrong size')
  return { epochId: epoch }
}

function parsePart({ number, size, nonce }: EnvelopeMessage['parts'][number]): EnvelopePart {
  if (nonce.length === 0) return { number, size }
  if (nonce.length !== nonceSize) throw malformed('the nonce of a part has a wrong size')
  return { number, size, nonce }
}

function malformed(why: string, cause?: unknown): DareError {
  return new DareError('tag-mismatch', `the envelope of the object is malformed: ${why}`, { cause })
}

/** Every field goes in behind its length, so that no two different records give the same message. */
function envelopeMac(bytes: Uint8Array, { macKey, bucket, key, facts }: MacBinding): Uint8Array {
  const parts = facts.parts ?? []
  const fields: (string | Uint8Array)[] = [
    bucket,
    key,
    String(facts.modifiedAtMs),
    facts.etag,
    facts.storageClass,
  ]
  addEntries(fields, facts.headers)
  addEntries(fields, facts.metadata)
  fields.push(...checksumFields(facts.checksum), String(parts.length))
  for (const part of parts) fields.push(...checksumFields(part.checksum))
  fields.push(bytes)
  return fieldsMac(macKey, fields)
}

/** HMAC-SHA256 over each field's LE32 length and bytes (FORMAT.md §4.3). */
export function fieldsMac(macKey: Uint8Array, fields: readonly (string | Uint8Array)[]): Uint8Array {
  let messageSize = 0
  for (const field of fields) messageSize += lengthSize + sizeOf(field)
  // One message, so that the hash is called once: every call costs as much as hashing a kilobyte.
  const message = Buffer.allocUnsafe(messageSize)
  let offset = 0
  for (const field of fields) {
    const start = offset + lengthSize
    if (typeof field === 'string') offset = start + message.write(field, start, 'utf8')
    else {
      message.set(field, start)
      offset = start + field.length
    }
    message.writeUInt32LE(offset - start, start - lengthSize)
  }
  return createHmac('sha256', macKey).update(message).digest()
}

function sizeOf(field: string | Uint8Array): number {
  return typeof field === 'string' ? Buffer.byteLength(field) : field.length
}

function addEntries(fields: (string | Uint8Array)[], entries: Readonly<Record<string, string>>): void {
  // Names are ASCII, so that the order of UTF-16 units is that of bytes.
  const names = Object.keys(entries).sort()
  fields.push(String(names.length))
  for (const name of names) fields.push(name, entries[name] ?? '')
}

export function checksumFields(checksum: Checksum | undefined): string[] {
  return checksum === undefined ? ['', '', ''] : [checksum.algorithm, checksum.type, checksum.value]
}
