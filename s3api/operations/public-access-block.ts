import {
  accessSettings,
  type PublicAccessBlock,
  publicAccessSwitches,
  toStoredBlock,
} from '../access/bucket-access.ts'
import { S3Error } from '../errors.ts'
import { readXml, type XmlElement } from '../http/xml-reader.ts'
import { document, element } from '../http/xml-writer.ts'
import type { Operation } from '../operation.ts'

/** A bucket's public access block: PUT, GET, DELETE ?publicAccessBlock. */

const route = { scope: 'bucket', query: ['publicAccessBlock'] } as const

export const putPublicAccessBlock: Operation = {
  name: 'PutPublicAccessBlock',
  action: 's3:PutBucketPublicAccessBlock',
  method: 'PUT',
  ...route,
  async handle({ services: { backend }, request, body }) {
    const block = readBlock(readXml(await body.readAll(), 'PublicAccessBlockConfiguration'))
    await backend.setBucketSetting(request.bucket, accessSettings.publicAccessBlock, toStoredBlock(block))
    return { status: 200 }
  },
}

export const getPublicAccessBlock: Operation = {
  name: 'GetPublicAccessBlock',
  action: 's3:GetBucketPublicAccessBlock',
  method: 'GET',
  ...route,
  async handle({ services: { backend }, request, access }) {
    const stored = await backend.getBucketSetting(request.bucket, accessSettings.publicAccessBlock)
    if (stored === undefined) throw new S3Error('NoSuchPublicAccessBlockConfiguration')
    const block = await (await access.bucket(request.bucket)).publicAccessBlock()
    return {
      status: 200,
      body: document(
        element(
          'PublicAccessBlockConfiguration',
          publicAccessSwitches.map((name) => element(name, String(block[name]))),
        ),
      ),
    }
  },
}

export const deletePublicAccessBlock: Operation = {
  name: 'DeletePublicAccessBlock',
  action: 's3:PutBucketPublicAccessBlock',
  method: 'DELETE',
  ...route,
  async handle({ services: { backend }, request }) {
    await backend.setBucketSetting(request.bucket, accessSettings.publicAccessBlock, undefined)
    return { status: 204 }
  },
}

function readBlock(root: XmlElement): PublicAccessBlock {
  const read = (name: keyof PublicAccessBlock) => {
    const text = root.child(name)?.text().trim().toLowerCase() ?? 'false'
    if (text !== 'true' && text !== 'false') throw new S3Error('MalformedXML')
    return text === 'true'
  }
  return {
    BlockPublicAcls: read('BlockPublicAcls'),
    IgnorePublicAcls: read('IgnorePublicAcls'),
    BlockPublicPolicy: read('BlockPublicPolicy'),
    RestrictPublicBuckets: read('RestrictPublicBuckets'),
  }
}
