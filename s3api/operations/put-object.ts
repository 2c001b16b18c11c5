import { newObjectAccess, ownerMember } from '../access/new-access.ts'
import type { AskedEncryption, WriteCondition } from '../backends/backend.ts'
import { BackendError } from '../backends/backend.ts'
import type { Operation, RequestContext, Services } from '../operation.ts'
import { decideEncryption, newEncryptionHeaders } from '../sse/decision.ts'
import { confirmRecord } from '../sse/encrypted-periods.ts'
import { sealNewKey } from '../sse/object-keys.ts'
import { sealRecord } from '../sse/records.ts'
import { newVersionId } from '../sse/version-ids.ts'
import { checkWriteCondition, parseWriteCondition } from './conditions.ts'
import { checksumHeaders, checksumOf, etagOf, needsMd5 } from './digests.ts'
import { newAttributes } from './new-attributes.ts'
import { settle, writeBody } from './object-data.ts'
import { parseObjectHeaders } from './object-headers.ts'
import { newVersionHeaders } from './version-parameter.ts'
import { askedOf, planObject } from './write-plan.ts'

/** 5 TiB, the largest object of S3; unlike AWS, one PUT may carry all of it. */
export const objectSizeMax = 5 * 1024 ** 4

export const putObject: Operation = {
  name: 'PutObject',
  action: 's3:PutObject',
  method: 'PUT',
  scope: 'object',
  header: { name: 'x-amz-copy-source', present: false },
  async handle(context) {
    const { headers } = await storeBody(context)
    return { status: 200, headers }
  },
}

/** Makes the request's object of its body: what PUT and the forms of browsers have in common. */
export async function storeBody(
  context: RequestContext,
): Promise<{ readonly etag: string; readonly headers: Record<string, string> }> {
  const { services, request, body } = context
  const { bucket, key } = request
  const newAccess = await newObjectAccess(context)
  const attributes = await newAttributes(context, await services.backend.getBucket(bucket), newAccess)
  const headers = parseObjectHeaders(request)
  const condition = parseWriteCondition(request)
  const encryption = await decideEncryption(context)
  await checkCondition(services, request, condition, encryption && askedOf(encryption))
  const sealing = encryption && (await sealNewKey(services.keys, encryption, request))
  try {
    const written = await writeBody(context, {
      key: sealing?.objectKey,
      hashes: needsMd5(encryption) ? ['md5'] : [],
      sizeMax: objectSizeMax,
      plan: (size) => planObject(request, { headers, size, sealing, attributes, condition, encryption }),
    })
    return await settle(written, async () => {
      const checksum = checksumOf(body)
      const plain = {
        size: written.size,
        etag: etagOf(encryption, written.digests),
        modifiedAtMs: services.now(),
        ...headers,
        ...ownerMember(newAccess),
        ...(checksum !== undefined && { checksum }),
      }
      const record = sealing === undefined ? plain : sealRecord(plain, sealing, request)
      await confirmRecord(services, bucket, record)
      const version = await services.backend.putObject({
        bucket,
        key,
        record,
        data: written.data,
        attributes,
        newVersionId: () => newVersionId(record),
        ...(condition !== undefined && { condition }),
        ...(encryption !== undefined && { asked: askedOf(encryption) }),
      })
      return {
        etag: record.etag,
        headers: {
          ETag: `"${record.etag}"`,
          ...newVersionHeaders(version),
          ...checksumHeaders(checksum),
          ...newEncryptionHeaders(sealing?.seal, encryption),
        },
      }
    })
  } finally {
    sealing?.objectKey.fill(0)
  }
}

/** Evaluates a write's condition before its body is read; the backend evaluates it again with the write. */
export async function checkCondition(
  { backend }: Services,
  { bucket, key }: RequestContext['request'],
  condition: WriteCondition | undefined,
  asked: AskedEncryption | undefined,
): Promise<void> {
  if (condition === undefined) return
  const hint = {
    recordOnly: true,
    ...(asked?.customerKey !== undefined && { customerKey: asked.customerKey }),
  }
  const record = await backend.getObject(bucket, key, undefined, hint).then(
    (stored) => stored.record,
    (error: unknown) => {
      if (error instanceof BackendError && error.code === 'no-such-key') return undefined
      throw error
    },
  )
  checkWriteCondition(condition, record)
}
