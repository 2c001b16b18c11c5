import type { ObjectVersionName } from '../object-name.ts'
import type { RequestContext } from '../operation.ts'
import { copySourceCustomerKeyOf } from '../sse/decision.ts'
import type { OpenedObject } from '../sse/records.ts'
import { checkReadConditions } from './conditions.ts'
import { openObject, orZeroed } from './object-data.ts'

/** Names the version that was copied. */
export function sourceVersionHeaders({ stored }: OpenedObject): Record<string, string> {
  return stored.versionId === undefined ? {} : { 'x-amz-copy-source-version-id': stored.versionId }
}

/** Opens the source with its own customer key and checks the copy's conditions on it. The caller zeroes its object key. */
export async function openCopySource(
  context: RequestContext,
  source: ObjectVersionName,
): Promise<OpenedObject> {
  const opened = await openObject(context, source, copySourceCustomerKeyOf(context))
  const { storeEtag } = opened.stored
  orZeroed(opened, () =>
    checkReadConditions(context.request, opened.record, { prefix: 'x-amz-copy-source-', storeEtag }),
  )
  return opened
}
