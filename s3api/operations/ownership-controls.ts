import { isDefaultAcl } from '../access/acl.ts'
import { accessSettings, type OwnershipMode, ownershipModes } from '../access/bucket-access.ts'
import { S3Error } from '../errors.ts'
import { readXml } from '../http/xml-reader.ts'
import { document, element } from '../http/xml-writer.ts'
import type { Operation } from '../operation.ts'

/** A bucket's ownership controls: PUT, GET, DELETE ?ownershipControls. */

const route = { scope: 'bucket', query: ['ownershipControls'] } as const

export const putBucketOwnershipControls: Operation = {
  name: 'PutBucketOwnershipControls',
  action: 's3:PutBucketOwnershipControls',
  method: 'PUT',
  ...route,
  async handle({ services: { backend }, request, access, body }) {
    const rules = readXml(await body.readAll(), 'OwnershipControls').children('Rule')
    const mode = parseOwnershipMode(rules[0]?.child('ObjectOwnership')?.text().trim())
    if (rules.length !== 1 || mode === undefined) throw new S3Error('MalformedXML')
    const bucket = await access.bucket(request.bucket)
    if (mode === 'BucketOwnerEnforced' && !isDefaultAcl(await bucket.acl(), bucket.owner)) {
      throw new S3Error('InvalidBucketAclWithObjectOwnership')
    }
    await backend.setBucketSetting(request.bucket, accessSettings.ownership, mode)
    return { status: 200 }
  },
}

/** The bucket's own controls, or the server's default where that is AWS's. */
export const getBucketOwnershipControls: Operation = {
  name: 'GetBucketOwnershipControls',
  action: 's3:GetBucketOwnershipControls',
  method: 'GET',
  ...route,
  async handle({ request, access }) {
    const { mode, chosen } = await (await access.bucket(request.bucket)).ownership()
    if (!chosen && mode === 'ObjectWriter') throw new S3Error('OwnershipControlsNotFoundError')
    return {
      status: 200,
      body: document(element('OwnershipControls', [element('Rule', [element('ObjectOwnership', mode)])])),
    }
  },
}

export const deleteBucketOwnershipControls: Operation = {
  name: 'DeleteBucketOwnershipControls',
  action: 's3:PutBucketOwnershipControls',
  method: 'DELETE',
  ...route,
  async handle({ services: { backend }, request }) {
    await backend.setBucketSetting(request.bucket, accessSettings.ownership, undefined)
    return { status: 204 }
  },
}

function parseOwnershipMode(text: string | undefined): OwnershipMode | undefined {
  return ownershipModes.find((mode) => mode === text)
}
