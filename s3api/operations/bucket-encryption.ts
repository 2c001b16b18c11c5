import { KmsError } from '../../control/errors.ts'
import { S3Error } from '../errors.ts'
import { readXml } from '../http/xml-reader.ts'
import { document, element } from '../http/xml-writer.ts'
import type { Operation, RequestContext } from '../operation.ts'
import { type DefaultEncryption, parseDefaultEncryption, toSetting } from '../sse/bucket-default.ts'
import { noteDefault } from '../sse/encrypted-periods.ts'
import { parseKmsKeyId } from '../sse/headers.ts'

/** A bucket's default encryption: PUT, GET, DELETE ?encryption. */

const settingName = 'encryption'
const documentSizeMax = 64 * 1024
const route = { scope: 'bucket', query: ['encryption'] } as const

export const putBucketEncryption: Operation = {
  name: 'PutBucketEncryption',
  action: 's3:PutEncryptionConfiguration',
  method: 'PUT',
  ...route,
  async handle({ services, request, body }) {
    const { backend, keys } = services
    const value = readConfiguration(await body.readAll(documentSizeMax))
    if (keys === undefined) {
      throw new KmsError('not-configured', 'Server side encryption specified but KMS is not configured')
    }
    await backend.setBucketSetting(request.bucket, settingName, toSetting(value))
    await noteDefault(services, request.bucket, { encrypted: true })
    return { status: 200 }
  },
}

export const getBucketEncryption: Operation = {
  name: 'GetBucketEncryption',
  action: 's3:GetEncryptionConfiguration',
  method: 'GET',
  ...route,
  async handle(context) {
    const value = await inForce(context)
    if (value === undefined) throw new S3Error('ServerSideEncryptionConfigurationNotFoundError')
    return {
      status: 200,
      body: document(
        element('ServerSideEncryptionConfiguration', [
          element('Rule', [
            element('ApplyServerSideEncryptionByDefault', [
              element('SSEAlgorithm', value.algorithm),
              ...(value.keyId === undefined ? [] : [element('KMSMasterKeyID', value.keyId)]),
            ]),
            element('BucketKeyEnabled', String(value.bucketKeyEnabled)),
          ]),
        ]),
      ),
    }
  },
}

export const deleteBucketEncryption: Operation = {
  name: 'DeleteBucketEncryption',
  action: 's3:PutEncryptionConfiguration',
  method: 'DELETE',
  ...route,
  async handle({ services, request }) {
    await services.backend.setBucketSetting(request.bucket, settingName, undefined)
    await noteDefault(services, request.bucket, { encrypted: services.config.autoEncryption })
    return { status: 204 }
  },
}

/** The bucket's own default, or what auto-encryption makes of every bucket. */
async function inForce({ services, request }: RequestContext): Promise<DefaultEncryption | undefined> {
  const setting = await services.backend.getBucketSetting(request.bucket, settingName)
  if (setting !== undefined) return parseDefaultEncryption(setting)
  return services.config.autoEncryption ? { algorithm: 'AES256', bucketKeyEnabled: false } : undefined
}

function readConfiguration(bytes: Uint8Array): DefaultEncryption {
  const rules = readXml(bytes, 'ServerSideEncryptionConfiguration').children('Rule')
  const rule = rules[0]?.child('ApplyServerSideEncryptionByDefault')
  if (rules.length !== 1 || rule === undefined) throw new S3Error('MalformedXML')
  const algorithm = rule.child('SSEAlgorithm')?.text().trim()
  const keyId = rule.child('KMSMasterKeyID')?.text().trim()
  const bucketKeyEnabled = rules[0]?.child('BucketKeyEnabled')?.text().trim() === 'true'
  if (algorithm === 'AES256') {
    if (keyId !== undefined && keyId !== '') {
      throw new S3Error(
        'InvalidArgument',
        'a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms',
      )
    }
    return { algorithm, bucketKeyEnabled }
  }
  if (algorithm !== 'aws:kms') throw new S3Error('MalformedXML')
  return {
    algorithm,
    ...(keyId !== undefined && keyId !== '' && { keyId: parseKmsKeyId(keyId) }),
    bucketKeyEnabled,
  }
}
