import { newObjectAccess, ownerMember } from '../access/new-access.ts'
import type { UploadRecord } from '../backends/backend.ts'
import { S3Error } from '../errors.ts'
import { document, element } from '../http/xml-writer.ts'
import type { Operation, RequestContext, S3Request } from '../operation.ts'
import { decideEncryption, newEncryptionHeaders } from '../sse/decision.ts'
import { confirmTime } from '../sse/encrypted-periods.ts'
import { type Envelope, envelopeMacKey, sealEnvelope } from '../sse/envelope.ts'
import type { RequestedEncryption } from '../sse/headers.ts'
import { type KeySeal, sealNewKey } from '../sse/object-keys.ts'
import { uploadFacts } from '../sse/records.ts'
import { sealCompletion } from '../sse/upload-mac-keys.ts'
import { isCombinable } from './crc-combine.ts'
import { parseChecksumAlgorithm } from './digests.ts'
import { newAttributes, retainsByDefault } from './new-attributes.ts'
import { parseObjectHeaders } from './object-headers.ts'
import { askedOf } from './write-plan.ts'

export const createMultipartUpload: Operation = {
  name: 'CreateMultipartUpload',
  action: 's3:PutObject',
  method: 'POST',
  scope: 'object',
  query: ['uploads'],
  async handle(context) {
    const { services, request, user } = context
    const { bucket, key } = request
    const newAccess = await newObjectAccess(context)
    const attributes = await newAttributes(context, await services.backend.getBucket(bucket), newAccess)
    const checksum = parseUploadChecksum(request)
    const plain = {
      bucket,
      key,
      initiatedAtMs: services.now(),
      ...(user !== undefined && { initiator: user.id }),
      ...ownerMember(newAccess),
      ...parseObjectHeaders(request),
      ...(checksum !== undefined && { checksum }),
      attributes,
      ...(retainsByDefault(request, attributes) && { retainsByDefault: true as const }),
    }
    const encryption = await decideEncryption(context)
    if (encryption === undefined) await confirmTime(services, bucket, plain.initiatedAtMs)
    const sealing = encryption && (await sealUpload(context, encryption, plain))
    const upload = { ...plain, ...(sealing !== undefined && { envelope: sealing.envelope }) }
    const uploadId = await services.backend.createUpload(upload, encryption && askedOf(encryption))
    return {
      status: 200,
      headers: {
        ...(checksum !== undefined && {
          'x-amz-checksum-algorithm': checksum.algorithm,
          'x-amz-checksum-type': checksum.type,
        }),
        ...newEncryptionHeaders(sealing?.seal, encryption),
      },
      body: document(
        element('InitiateMultipartUploadResult', [
          element('Bucket', bucket),
          element('Key', key),
          element('UploadId', uploadId),
        ]),
      ),
    }
  },
}

/** The envelope of an upload that begins, and its seal. Errors: KmsError, BackendError. */
async function sealUpload(
  { services, request }: RequestContext,
  encryption: RequestedEncryption,
  plain: Omit<UploadRecord, 'uploadId'>,
): Promise<{ readonly envelope: Uint8Array; readonly seal: KeySeal }> {
  const { bucket, key } = request
  const { objectKey, seal } = await sealNewKey(services.keys, encryption, request)
  try {
    // AWS wants the key with the completion, too, where the upload has a checksum algorithm.
    const keyless = seal.mode === 'SSE-C' && plain.checksum === undefined
    const completion = keyless ? await sealCompletion(services.keys, request, objectKey) : undefined
    const envelope: Envelope = {
      ...seal,
      layout: 'parts',
      size: 0,
      parts: [],
      ...(completion !== undefined && { completion }),
    }
    const macKey = envelopeMacKey(objectKey)
    try {
      return { envelope: sealEnvelope(envelope, { macKey, bucket, key, facts: uploadFacts(plain) }), seal }
    } finally {
      macKey.fill(0)
    }
  } finally {
    objectKey.fill(0)
  }
}

/** Algorithm and type of the checksum of the whole (S3 user guide, "Checking object integrity": what goes with what). */
function parseUploadChecksum(request: S3Request): UploadRecord['checksum'] | undefined {
  const algorithm = parseChecksumAlgorithm(request)
  const typeText = request.headers.get('x-amz-checksum-type')?.toUpperCase()
  if (algorithm === undefined) {
    if (typeText === undefined) return undefined
    throw new S3Error(
      'InvalidRequest',
      'The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.',
    )
  }
  const type = typeText ?? (algorithm === 'CRC64NVME' ? 'FULL_OBJECT' : 'COMPOSITE')
  if (type === 'FULL_OBJECT' && isCombinable(algorithm)) return { algorithm, type }
  if (type === 'COMPOSITE' && algorithm !== 'CRC64NVME') return { algorithm, type }
  throw new S3Error(
    'InvalidRequest',
    `The ${type} checksum type cannot be used with the ${algorithm.toLowerCase()} checksum algorithm.`,
  )
}
