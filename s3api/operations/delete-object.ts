import type { Operation } from '../operation.ts'
import { parseWriteCondition } from './conditions.ts'

export const deleteObject: Operation = {
  name: 'DeleteObject',
  method: 'DELETE',
  scope: 'object',
  async handle({ services: { backend }, request }) {
    await backend.deleteObject(request.bucket, request.key, parseWriteCondition(request))
    return { status: 204 }
  },
}
