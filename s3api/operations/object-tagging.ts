import type { Need } from '../access/authorizer.ts'
import { needsOfAction } from '../access/needs.ts'
import type { Tag } from '../backends/versions.ts'
import { document } from '../http/xml-writer.ts'
import type { Operation, S3Request } from '../operation.ts'
import { objectTagsMax, readTagging, taggingElement } from './tags.ts'
import { objectNameOf, versionHeaders } from './version-parameter.ts'

const action = 's3:PutObjectTagging'
const route = { scope: 'object', query: ['tagging'], versions: true } as const

export const putObjectTagging: Operation = {
  name: 'PutObjectTagging',
  // Policies can ask about the tags, which the body has: where none does, who may not is refused before it is read.
  action: (request) => needsOfAction(action, request).map((need) => ({ ...need, tagsToCome: true })),
  needsOfBody: (request, body) => tagNeeds(request, readTagging(body, objectTagsMax)),
  method: 'PUT',
  ...route,
  async handle({ services: { backend }, request, body, access }) {
    const name = objectNameOf(request)
    const tags = readTagging(await body.readAll(), objectTagsMax)
    for (const need of tagNeeds(request, tags)) await access.require(need)
    const changes = { tags: tags.length === 0 ? null : tags }
    return { status: 200, headers: versionHeaders(await backend.changeAttributes({ ...name, changes })) }
  },
}

export const getObjectTagging: Operation = {
  name: 'GetObjectTagging',
  action: 's3:GetObjectTagging',
  method: 'GET',
  ...route,
  async handle({ services: { backend }, request }) {
    const stored = await backend.getAttributes(objectNameOf(request), ['tags'])
    return {
      status: 200,
      headers: versionHeaders(stored),
      body: document(taggingElement(stored.attributes.tags ?? [])),
    }
  },
}

export const deleteObjectTagging: Operation = {
  name: 'DeleteObjectTagging',
  action: 's3:DeleteObjectTagging',
  method: 'DELETE',
  ...route,
  async handle({ services: { backend }, request }) {
    const change = { ...objectNameOf(request), changes: { tags: null } }
    return { status: 204, headers: versionHeaders(await backend.changeAttributes(change)) }
  },
}

function tagNeeds(request: S3Request, tags: readonly Tag[]): readonly Need[] {
  const requestTags = new Map(tags.map(({ key, value }) => [key, value]))
  return needsOfAction(action, request).map((need) => ({ ...need, facts: { requestTags } }))
}
