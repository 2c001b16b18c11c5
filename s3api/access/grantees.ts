import { S3Error } from '../errors.ts'
import { type Grantee, type Group, groups } from './acl.ts'
import { rootOwner, type Users } from './users.ts'

/** How lists name grantees, in headers and documents. */

export const groupUri = {
  AllUsers: 'http://acs.amazonaws.com/groups/global/AllUsers',
  AuthenticatedUsers: 'http://acs.amazonaws.com/groups/global/AuthenticatedUsers',
  LogDelivery: 'http://acs.amazonaws.com/groups/s3/LogDelivery',
} as const satisfies Record<Group, string>

/** An item of a grant header, `FORM="TEXT"` or without quotes; undefined: it is none. */
export function parseGrantee(
  item: string,
): { readonly form: 'id' | 'uri' | 'emailAddress'; readonly text: string } | undefined {
  const [, form, quoted, plain] = /^\s*(id|uri|emailAddress)=(?:"([^"]*)"|([^"\s]*))\s*$/.exec(item) ?? []
  if (form !== 'id' && form !== 'uri' && form !== 'emailAddress') return undefined
  return { form, text: quoted ?? plain ?? '' }
}

/** Errors: InvalidArgument, UnresolvableGrantByEmailAddress. A user whom nobody knows is granted nothing. */
export function granteeOf(form: 'id' | 'uri' | 'emailAddress', text: string, users: Users): Grantee {
  switch (form) {
    case 'id': {
      if (!users.byId.has(text) && text !== rootOwner.id) {
        throw new S3Error('InvalidArgument', 'Invalid id', {
          elements: { ArgumentName: 'CanonicalUser/ID', ArgumentValue: text },
        })
      }
      return { id: text }
    }
    case 'uri': {
      const group = groups.find((name) => groupUri[name] === text)
      if (group === undefined) {
        throw new S3Error('InvalidArgument', 'Invalid group uri', {
          elements: { ArgumentName: 'Group/URI', ArgumentValue: text },
        })
      }
      return { group }
    }
    case 'emailAddress': {
      const user = users.byEmail.get(text.toLowerCase())
      if (user === undefined) throw new S3Error('UnresolvableGrantByEmailAddress')
      return { id: user.id }
    }
  }
}
