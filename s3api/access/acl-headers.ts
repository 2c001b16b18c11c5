import { S3Error } from '../errors.ts'
import type { S3Request } from '../operation.ts'
import {
  type Acl,
  expandAcl,
  type Grant,
  grantsMax,
  isCannedAcl,
  type Ownership,
  type Permission,
} from './acl.ts'
import { granteeOf, parseGrantee } from './grantees.ts'
import { asksForGrants } from './needs.ts'
import type { Users } from './users.ts'

/** Access control lists as request headers (S3 API reference, PutObject). */

export const grantHeaders = {
  'x-amz-grant-read': 'READ',
  'x-amz-grant-write': 'WRITE',
  'x-amz-grant-read-acp': 'READ_ACP',
  'x-amz-grant-write-acp': 'WRITE_ACP',
  'x-amz-grant-full-control': 'FULL_CONTROL',
} as const satisfies Record<string, Permission>

type Headers = S3Request['headers']

/** Whether the request's headers say anything about access. */
export function hasAclHeaders(headers: Headers): boolean {
  return headers.has('x-amz-acl') || asksForGrants(headers)
}

/** The list that the headers ask for; undefined where they are silent. Errors: InvalidArgument, InvalidRequest, those of the grantees. */
export function aclOfHeaders(headers: Headers, ownership: Ownership, users: Users): Acl | undefined {
  const canned = headers.get('x-amz-acl')
  const grants = headerGrants(headers, users)
  if (canned === undefined) return grants.length === 0 ? undefined : grants
  if (grants.length > 0) {
    throw new S3Error('InvalidRequest', 'Specifying both Canned ACLs and Header Grants is not allowed')
  }
  if (!isCannedAcl(canned)) {
    throw new S3Error('InvalidArgument', undefined, {
      elements: { ArgumentName: 'x-amz-acl', ArgumentValue: canned },
    })
  }
  return expandAcl(canned, ownership)
}

function headerGrants(headers: Headers, users: Users): Grant[] {
  const grants: Grant[] = []
  if (!asksForGrants(headers)) return grants
  for (const [name, permission] of Object.entries(grantHeaders)) {
    const text = headers.get(name)
    if (text === undefined) continue
    for (const item of text.split(',')) {
      const named = parseGrantee(item)
      if (named === undefined) {
        throw new S3Error('InvalidArgument', 'Argument format not recognized', {
          elements: { ArgumentName: name, ArgumentValue: text },
        })
      }
      grants.push({ grantee: granteeOf(named.form, named.text, users), permission })
    }
  }
  if (grants.length > grantsMax) throw new S3Error('InvalidRequest', `An ACL has at most ${grantsMax} grants`)
  return grants
}
