import { S3Error } from '../errors.ts'
import { readXml, type XmlElement } from '../http/xml-reader.ts'
import { document, element, type XmlNode } from '../http/xml-writer.ts'
import type { Operation, RequestContext } from '../operation.ts'
import { type DefaultEncryption, defaultEncryptionSetting, toSetting } from '../sse/bucket-default.ts'
import { bucketEncryption } from '../sse/decision.ts'
import { noteDefault } from '../sse/encrypted-periods.ts'
import { parseKmsKeyId } from '../sse/headers.ts'
import { requireKeys } from '../sse/object-keys.ts'

/** A bucket's default encryption: PUT, GET, DELETE ?encryption. */

/** Among the types of encryption that a bucket can block, the one that there is. */
const customerKeys = 'SSE-C'
const route = { scope: 'bucket', query: ['encryption'] } as const

export const putBucketEncryption: Operation = {
  name: 'PutBucketEncryption',
  action: 's3:PutEncryptionConfiguration',
  method: 'PUT',
  ...route,
  async handle({ services, request, body }) {
    const { backend, keys } = services
    const value = readConfiguration(await body.readAll())
    if (value?.algorithm !== undefined) requireKeys(keys)
    await backend.setBucketSetting(request.bucket, defaultEncryptionSetting, value && toSetting(value))
    const encrypted = value?.algorithm !== undefined || services.config.autoEncryption
    await noteDefault(services, request.bucket, { encrypted })
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
            ...(value.algorithm === undefined ? [] : [defaultElement(value.algorithm, value.keyId)]),
            element('BucketKeyEnabled', String(value.bucketKeyEnabled)),
            ...(value.blocksCustomerKeys === true
              ? [element('BlockedEncryptionTypes', [element('EncryptionType', customerKeys)])]
              : []),
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
    await services.backend.setBucketSetting(request.bucket, defaultEncryptionSetting, undefined)
    await noteDefault(services, request.bucket, { encrypted: services.config.autoEncryption })
    return { status: 204 }
  },
}

/** The bucket's own default, or what auto-encryption makes of every bucket. */
async function inForce({ services, request }: RequestContext): Promise<DefaultEncryption | undefined> {
  const own = await bucketEncryption(services, request.bucket)
  if (own?.algorithm !== undefined || !services.config.autoEncryption) return own
  return { bucketKeyEnabled: false, ...own, algorithm: 'AES256' }
}

function defaultElement(algorithm: string, keyId: string | undefined): XmlNode {
  return element('ApplyServerSideEncryptionByDefault', [
    element('SSEAlgorithm', algorithm),
    ...(keyId === undefined ? [] : [element('KMSMasterKeyID', keyId)]),
  ])
}

/** Undefined: nothing is set, neither a default nor a block. Errors: MalformedXML, InvalidArgument. */
function readConfiguration(bytes: Uint8Array): DefaultEncryption | undefined {
  const [rule, ...others] = readXml(bytes, 'ServerSideEncryptionConfiguration').children('Rule')
  if (rule === undefined || others.length > 0) throw new S3Error('MalformedXML')
  const blocked = readBlocked(rule.child('BlockedEncryptionTypes'))
  const byDefault = rule.child('ApplyServerSideEncryptionByDefault')
  if (byDefault === undefined && blocked === undefined) throw new S3Error('MalformedXML')
  const shared = {
    bucketKeyEnabled: rule.child('BucketKeyEnabled')?.text().trim() === 'true',
    ...(blocked === true && { blocksCustomerKeys: true as const }),
  }
  if (byDefault !== undefined) return { ...readDefault(byDefault), ...shared }
  return blocked === true ? shared : undefined
}

/** Whether SSE-C is blocked; undefined where the document does not say. */
function readBlocked(blocked: XmlElement | undefined): boolean | undefined {
  if (blocked === undefined) return undefined
  const types = blocked.children('EncryptionType').map((type) => type.text().trim())
  const [type] = types
  if (types.length !== 1 || (type !== customerKeys && type !== 'NONE')) throw new S3Error('MalformedXML')
  return type === customerKeys
}

function readDefault(byDefault: XmlElement): Pick<DefaultEncryption, 'algorithm' | 'keyId'> {
  const algorithm = byDefault.child('SSEAlgorithm')?.text().trim()
  const keyId = byDefault.child('KMSMasterKeyID')?.text().trim() ?? ''
  if (algorithm === 'AES256') {
    if (keyId !== '') {
      throw new S3Error(
        'InvalidArgument',
        'a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms',
      )
    }
    return { algorithm }
  }
  if (algorithm !== 'aws:kms') throw new S3Error('MalformedXML')
  return { algorithm, ...(keyId !== '' && { keyId: parseKmsKeyId(keyId) }) }
}
