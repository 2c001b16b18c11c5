import type { ListedRecord } from './backend.ts'

/**
 * Versions of objects. In a bucket that never had versioning each object has one version, the null version. In one with
 * versioning enabled every write makes a new version and every plain delete a delete marker; with versioning suspended both
 * make or replace the null version, and versions with ids stay. The newest version of a key is its current one.
 */

export type VersioningState = 'unversioned' | 'enabled' | 'suspended'

/** The id of the version that a bucket without versioning, or with versioning suspended, writes. */
export const nullVersionId = 'null'

/** The bucket setting that says it has object lock: a gateway's store is told. */
export const lockSettingName = 'object-lock'

/** What may change of a version after it was made; outside of the envelope's MAC. Absent members: there is none. */
export interface ObjectAttributes {
  /** In the order given. */
  readonly tags?: readonly Tag[]
  readonly retention?: Retention
  readonly legalHold?: boolean
  /** The access control list, in the form that the front-end gave it. */
  readonly acl?: string
}

export interface Tag {
  readonly key: string
  readonly value: string
}

/** Until then the version cannot be removed (S3 user guide, "Locking objects with Object Lock"). */
export interface Retention {
  readonly mode: 'GOVERNANCE' | 'COMPLIANCE'
  readonly untilMs: number
}

/** Changes to {@link ObjectAttributes}: members given are set, or removed with null; others stay. */
export type AttributeChanges = {
  readonly [Name in keyof ObjectAttributes]?: NonNullable<ObjectAttributes[Name]> | null
}

/** What a delete did. */
export interface Deletion {
  /** The version removed or the marker made; absent in a bucket that never had versioning. */
  readonly versionId?: string
  /** A marker was made, or the version removed was one. */
  readonly deleteMarker: boolean
}

/** A delete marker, where a reader looked for an object. */
export interface DeleteMarker {
  readonly versionId: string
  readonly modifiedAtMs: number
}

export interface VersionQuery {
  readonly prefix: string
  readonly delimiter: string
  /** With an empty versionIdMarker: all versions of keys after this one; else versions of this key behind that one, and later keys. */
  readonly keyMarker: string
  /** A version that is gone meanwhile stands for the beginning of its key. */
  readonly versionIdMarker: string
  readonly limit: number
}

export interface VersionPage {
  /** By key in UTF-8 byte order, versions of a key newest first, common prefixes among them. */
  readonly entries: readonly VersionEntry[]
  readonly truncated: boolean
}

export type VersionEntry =
  | {
      readonly kind: 'version'
      readonly key: string
      readonly versionId: string
      readonly latest: boolean
      readonly record: ListedRecord
    }
  | {
      readonly kind: 'marker'
      readonly key: string
      readonly versionId: string
      readonly latest: boolean
      readonly modifiedAtMs: number
      readonly owner?: string
    }
  | { readonly kind: 'prefix'; readonly prefix: string }

/** Whether the version may be removed now. `bypassGovernance`: the caller may do so, and asked for it. */
export function isRemovable(
  { legalHold, retention }: ObjectAttributes,
  { atMs, bypassGovernance }: { readonly atMs: number; readonly bypassGovernance: boolean },
): boolean {
  if (legalHold === true) return false
  if (retention === undefined || retention.untilMs <= atMs) return true
  return retention.mode === 'GOVERNANCE' && bypassGovernance
}

/** Whether the retention may become another: longer always, shorter or of another mode only past GOVERNANCE. */
export function isRetentionChangeable(
  before: Retention | undefined,
  after: Retention | undefined,
  { atMs, bypassGovernance }: { readonly atMs: number; readonly bypassGovernance: boolean },
): boolean {
  if (before === undefined || before.untilMs <= atMs) return true
  if (before.mode === 'GOVERNANCE' && bypassGovernance) return true
  return after !== undefined && after.mode === before.mode && after.untilMs >= before.untilMs
}

/** The attributes with the changes made. */
export function applyChanges(attributes: ObjectAttributes, changes: AttributeChanges): ObjectAttributes {
  const members = Object.entries({ ...attributes, ...changes }).filter(([, value]) => value !== null)
  // Each member is of its own type, before as after.
  return Object.fromEntries(members) as ObjectAttributes
}
