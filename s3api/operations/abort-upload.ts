import type { Operation } from '../operation.ts'

export const abortMultipartUpload: Operation = {
  name: 'AbortMultipartUpload',
  action: 's3:AbortMultipartUpload',
  method: 'DELETE',
  scope: 'object',
  query: ['uploadId'],
  async handle({ services: { backend }, request: { bucket, key, query } }) {
    await backend.abortUpload(bucket, key, query.get('uploadId') ?? '')
    return { status: 204 }
  },
}
