import type { Tag } from '../backends/versions.ts'
import { S3Error } from '../errors.ts'
import { document } from '../http/xml-writer.ts'
import type { Operation } from '../operation.ts'
import { bucketTagsMax, readTagging, taggingElement } from './tags.ts'

const settingName = 'tagging'
const route = { scope: 'bucket', query: ['tagging'] } as const

export const putBucketTagging: Operation = {
  name: 'PutBucketTagging',
  action: 's3:PutBucketTagging',
  method: 'PUT',
  ...route,
  async handle({ services: { backend }, request, body }) {
    const tags = readTagging(await body.readAll(), bucketTagsMax)
    await backend.setBucketSetting(request.bucket, settingName, JSON.stringify(tags))
    return { status: 204 }
  },
}

export const getBucketTagging: Operation = {
  name: 'GetBucketTagging',
  action: 's3:GetBucketTagging',
  method: 'GET',
  ...route,
  async handle({ services: { backend }, request }) {
    const setting = await backend.getBucketSetting(request.bucket, settingName)
    if (setting === undefined) throw new S3Error('NoSuchTagSet')
    // What the operation above has written.
    return { status: 200, body: document(taggingElement(JSON.parse(setting) as Tag[])) }
  },
}

export const deleteBucketTagging: Operation = {
  name: 'DeleteBucketTagging',
  action: 's3:PutBucketTagging',
  method: 'DELETE',
  ...route,
  async handle({ services: { backend }, request }) {
    await backend.setBucketSetting(request.bucket, settingName, undefined)
    return { status: 204 }
  },
}
