/** Access control lists. Source: S3 user guide, "Access control list (ACL) overview". */
export type Acl = readonly Grant[]

export interface Grant {
  readonly grantee: Grantee
  readonly permission: Permission
}

/** A user by canonical id, or a group. */
export type Grantee = { readonly id: string } | { readonly group: Group }

export const permissions = ['FULL_CONTROL', 'READ', 'WRITE', 'READ_ACP', 'WRITE_ACP'] as const
export type Permission = (typeof permissions)[number]

export const groups = ['AllUsers', 'AuthenticatedUsers', 'LogDelivery'] as const
export type Group = (typeof groups)[number]

export const grantsMax = 100

/** Who owns what a list is about. */
export interface Ownership {
  readonly owner: string
  readonly bucketOwner: string
}

const ownerOnly = ({ owner }: Ownership): Acl => [{ grantee: { id: owner }, permission: 'FULL_CONTROL' }]
const withGroup =
  (group: Group, ...granted: readonly Permission[]) =>
  (ownership: Ownership): Acl => [
    ...ownerOnly(ownership),
    ...granted.map((permission) => ({ grantee: { group }, permission })),
  ]
const withBucketOwner =
  (permission: Permission) =>
  (ownership: Ownership): Acl => [
    ...ownerOnly(ownership),
    ...(ownership.owner === ownership.bucketOwner
      ? []
      : [{ grantee: { id: ownership.bucketOwner }, permission }]),
  ]

const cannedAcls = {
  private: ownerOnly,
  'public-read': withGroup('AllUsers', 'READ'),
  'public-read-write': withGroup('AllUsers', 'READ', 'WRITE'),
  'authenticated-read': withGroup('AuthenticatedUsers', 'READ'),
  'bucket-owner-read': withBucketOwner('READ'),
  'bucket-owner-full-control': withBucketOwner('FULL_CONTROL'),
  'log-delivery-write': withGroup('LogDelivery', 'WRITE', 'READ_ACP'),
} as const satisfies Record<string, (ownership: Ownership) => Acl>

export type CannedAcl = keyof typeof cannedAcls

/** All of them. */
export const cannedNames = Object.keys(cannedAcls) as CannedAcl[]

export function isCannedAcl(name: string): name is CannedAcl {
  return Object.hasOwn(cannedAcls, name)
}

export function expandAcl(name: CannedAcl, ownership: Ownership): Acl {
  return cannedAcls[name](ownership)
}

/** The list of what has none of its own. */
export function defaultAcl(owner: string): Acl {
  return ownerOnly({ owner, bucketOwner: owner })
}

/** Whether it says no more than that the owner has full control. */
export function isDefaultAcl(acl: Acl, owner: string): boolean {
  return acl.every(({ grantee }) => 'id' in grantee && grantee.id === owner)
}

/** Whether it gives anything to everybody, or to everybody who has an account. */
export function isPublicAcl(acl: Acl): boolean {
  return acl.some(({ grantee }) => 'group' in grantee && grantee.group !== 'LogDelivery')
}

/** Whom a list is asked about: nobody known, or a user; `ids` are those that grants can name. */
export interface AclSubject {
  readonly authenticated: boolean
  readonly ids: ReadonlySet<string>
}

export function aclGrants(
  acl: Acl,
  subject: AclSubject,
  wanted: { readonly permission: Permission; readonly ignorePublic: boolean },
): boolean {
  return acl.some(({ grantee, permission }) => {
    if (permission !== wanted.permission && permission !== 'FULL_CONTROL') return false
    if ('id' in grantee) return subject.ids.has(grantee.id)
    if (wanted.ignorePublic) return false
    return grantee.group === 'AllUsers' || (grantee.group === 'AuthenticatedUsers' && subject.authenticated)
  })
}

/** The stored form: JSON of {@link Acl}. */
export function toStoredAcl(acl: Acl): string {
  return JSON.stringify(acl)
}

/** Reads what {@link toStoredAcl} wrote; anything else is an error, never a list that grants. */
export function fromStoredAcl(text: string): Acl {
  const value: unknown = JSON.parse(text)
  if (!Array.isArray(value) || !value.every(isGrant)) throw new Error('an access control list cannot be read')
  return value
}

function isGrant(value: unknown): value is Grant {
  if (typeof value !== 'object' || value === null) return false
  const { grantee, permission } = value as Partial<Record<keyof Grant, unknown>>
  if (!permissions.some((name) => name === permission)) return false
  if (typeof grantee !== 'object' || grantee === null) return false
  if ('id' in grantee) return typeof grantee.id === 'string'
  return 'group' in grantee && groups.some((name) => name === grantee.group)
}
