import type { Operation } from '../operation.ts'
import { parseWriteCondition } from './conditions.ts'

export const deleteObject: Operation = {
  name: 'DeleteObject',
  action: 's3:DeleteObject',
  method: 'DELETE',
  scope: 'object',
  async handle({ services: { backend }, request }) {
    const { bucket, key } = request
    const condition = parseWriteCondition(request)
    await backend.deleteObject({ bucket, key, ...(condition !== undefined && { condition }) })
    return { status: 204 }
  },
}
