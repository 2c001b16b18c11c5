import { S3Error } from '../errors.ts'
import { readXml } from '../http/xml-reader.ts'
import { document, element } from '../http/xml-writer.ts'
import type { Operation } from '../operation.ts'
import { lockConfiguration } from './lock-configuration.ts'

const route = { scope: 'bucket', query: ['versioning'] } as const

export const putBucketVersioning: Operation = {
  name: 'PutBucketVersioning',
  action: 's3:PutBucketVersioning',
  method: 'PUT',
  ...route,
  async handle({ services: { backend }, request: { bucket }, body }) {
    const { versioning } = await backend.getBucket(bucket)
    const state = readState(await body.readAll())
    if (state === 'suspended' && (await lockConfiguration(backend, bucket)) !== undefined) {
      throw new S3Error(
        'InvalidBucketState',
        'An Object Lock configuration is present on this bucket, so the versioning state cannot be changed.',
      )
    }
    if (state !== versioning) await backend.setVersioning(bucket, state)
    return { status: 200 }
  },
}

export const getBucketVersioning: Operation = {
  name: 'GetBucketVersioning',
  action: 's3:GetBucketVersioning',
  method: 'GET',
  ...route,
  async handle({ services: { backend }, request: { bucket } }) {
    const { versioning } = await backend.getBucket(bucket)
    const status = { unversioned: [], enabled: ['Enabled'], suspended: ['Suspended'] }[versioning]
    return {
      status: 200,
      body: document(
        element(
          'VersioningConfiguration',
          status.map((text) => element('Status', text)),
        ),
      ),
    }
  },
}

/** Errors: MalformedXML; NotImplemented for MFA. */
function readState(bytes: Uint8Array): 'enabled' | 'suspended' {
  const root = readXml(bytes, 'VersioningConfiguration')
  if (root.child('MfaDelete')?.text().trim() === 'Enabled') {
    throw new S3Error('NotImplemented', 'MFA delete is not implemented.')
  }
  switch (root.child('Status')?.text().trim()) {
    case 'Enabled':
      return 'enabled'
    case 'Suspended':
      return 'suspended'
    default:
      throw new S3Error('MalformedXML')
  }
}
