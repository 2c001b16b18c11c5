import { bypassesGovernance } from '../access/needs.ts'
import type { Deletion } from '../backends/versions.ts'
import type { Operation } from '../operation.ts'
import { parseDeleteCondition } from './conditions.ts'
import { objectNameOf } from './version-parameter.ts'

export const deleteObject: Operation = {
  name: 'DeleteObject',
  action: 's3:DeleteObject',
  method: 'DELETE',
  scope: 'object',
  versions: true,
  async handle({ services: { backend }, request, user }) {
    const condition = parseDeleteCondition(request)
    const deletion = await backend.deleteObject({
      ...objectNameOf(request),
      ...(user !== undefined && { owner: user.id }),
      bypassGovernance: bypassesGovernance(request),
      ...(condition !== undefined && { condition }),
    })
    return { status: 204, headers: deletionHeaders(deletion) }
  },
}

function deletionHeaders({ versionId, deleteMarker }: Deletion): Record<string, string> {
  return {
    ...(versionId !== undefined && { 'x-amz-version-id': versionId }),
    ...(deleteMarker && { 'x-amz-delete-marker': 'true' }),
  }
}
