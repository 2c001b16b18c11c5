import {
  type Acl,
  type CannedAcl,
  cannedNames,
  expandAcl,
  fromStoredAcl,
  type Grant,
  groups,
  type Ownership,
  permissions,
  toStoredAcl,
} from '../../access/acl.ts'
import { grantHeaders } from '../../access/acl-headers.ts'
import { groupUri } from '../../access/grantees.ts'
import { rootOwner } from '../../access/users.ts'
import { readXml, type XmlElement } from '../../http/xml-reader.ts'
import { document, element, type XmlNode } from '../../http/xml-writer.ts'
import { BackendError, type Bucket } from '../backend.ts'
import type { ObjectAttributes } from '../versions.ts'
import { listSizeMax } from './system-records.ts'
import type { Upstream } from './upstream.ts'
import { asBackend } from './upstream-error.ts'
import { toUpstreamVersion } from './version-ids.ts'
import { XmlList } from './xml-list.ts'

/**
 * Access control lists of objects are the store's own. Whoever a list calls the object's owner is the store's owner there, and
 * the other way round; groups are the same; other ids go through as they are.
 */

const documentSizeMax = 256 * 1024

interface ObjectName {
  readonly bucket: string
  readonly key: string
  readonly versionId?: string | undefined
}

export class StoreAcls {
  readonly #upstream: Upstream
  readonly #getBucket: (bucket: string) => Promise<Bucket>
  #owner: Promise<string> | undefined

  constructor(upstream: Upstream, getBucket: (bucket: string) => Promise<Bucket>) {
    this.#upstream = upstream
    this.#getBucket = getBucket
  }

  /** For a request that makes an object. */
  async creationHeaders(
    { bucket, owner }: { readonly bucket: string; readonly owner: string | undefined },
    { acl: text }: ObjectAttributes = {},
  ): Promise<Readonly<Record<string, string>>> {
    if (text === undefined) return {}
    const acl = fromStoredAcl(text)
    const ownership = await this.#ownership(bucket, owner)
    const canned = cannedOf(acl, ownership)
    if (canned !== undefined) return { 'x-amz-acl': canned }
    return toGrantHeaders(toStores(acl, ownership.owner, await this.#ownId()))
  }

  /** The list of an object; none where the store has no lists. */
  async of(name: ObjectName, owner: string | undefined): Promise<Pick<ObjectAttributes, 'acl'>> {
    const found = await this.#read(name)
    if (found === undefined) return {}
    const ownership = await this.#ownership(name.bucket, owner)
    return { acl: toStoredAcl(toOurs(found.acl, ownership.owner, found.owner)) }
  }

  /** `text`: null for the list of what has none of its own. Errors: those of Backend.changeAttributes. */
  async change(name: ObjectName, owner: string | undefined, text: string | null): Promise<void> {
    if (text === null) return this.#put(name, { headers: { 'x-amz-acl': 'private' } })
    const acl = fromStoredAcl(text)
    const ownership = await this.#ownership(name.bucket, owner)
    const canned = cannedOf(acl, ownership)
    if (canned !== undefined) return this.#put(name, { headers: { 'x-amz-acl': canned } })
    const before = await this.#read(name)
    if (before === undefined) throw new BackendError('not-supported', 'the store has no access control lists')
    const body = aclDocument(toStores(acl, ownership.owner, before.owner), before.owner)
    return this.#put(name, { body: Buffer.from(body, 'utf8'), md5: true })
  }

  async #put(
    { bucket, key, versionId }: ObjectName,
    list:
      | { readonly headers: Readonly<Record<string, string>> }
      | { readonly body: Uint8Array; readonly md5: true },
  ): Promise<void> {
    const request = {
      method: 'PUT',
      bucket,
      key,
      query: aclQuery(versionId),
      ...list,
      repeatable: true,
    } as const
    await asBackend(() => this.#upstream.fetch(request, documentSizeMax))
  }

  /** Undefined: the store has no lists. */
  async #read({ bucket, key, versionId }: ObjectName) {
    const request = { method: 'GET', bucket, key, query: aclQuery(versionId), repeatable: true } as const
    try {
      const { bytes } = await asBackend(() => this.#upstream.fetch(request, documentSizeMax))
      return readAclDocument(bytes)
    } catch (error) {
      if (error instanceof BackendError && error.code === 'not-supported') return undefined
      throw error
    }
  }

  async #ownership(bucket: string, owner: string | undefined): Promise<Ownership> {
    const bucketOwner = (await this.#getBucket(bucket)).owner ?? rootOwner.id
    return { owner: owner ?? bucketOwner, bucketOwner }
  }

  /** The store's id of whom we are there: to it belongs what we make. */
  #ownId(): Promise<string> {
    this.#owner ??= asBackend(async () => {
      const { bytes } = await this.#upstream.fetch({ method: 'GET', repeatable: true }, listSizeMax)
      const id = new XmlList(bytes, 'ListAllMyBucketsResult').entries('Owner')[0]?.find('ID')
      if (id === undefined) throw new BackendError('not-supported', 'the store names no owners')
      return id
    }).catch((error: unknown) => {
      this.#owner = undefined
      throw error
    })
    return this.#owner
  }
}

function aclQuery(versionId: string | undefined): Record<string, string> {
  return { acl: '', ...(versionId !== undefined && { versionId: toUpstreamVersion(versionId) }) }
}

/**
 * The name of the list, where it has one: stores without lists of grants often know the names. One that gives the owner of
 * everything full control is what `bucket-owner-full-control` asks for; stores have owners of their own.
 */
function cannedOf(acl: Acl, ownership: Ownership): CannedAcl | undefined {
  const { owner, bucketOwner } = ownership
  // The store's own owner of the bucket is another: what ours is granted must not be lost. The root user may do everything anyway.
  const nothingLost = bucketOwner === owner || bucketOwner === rootOwner.id
  const names = nothingLost ? bucketOwnersFirst : cannedNames.filter((name) => !forBucketOwner.has(name))
  const grants = sortedGrants(acl)
  return names.find((name) => sortedGrants(expandAcl(name, ownership)) === grants)
}

const forBucketOwner: ReadonlySet<CannedAcl> = new Set(['bucket-owner-full-control', 'bucket-owner-read'])
const bucketOwnersFirst = [...new Set([...forBucketOwner, ...cannedNames])]

function sortedGrants(acl: Acl): string {
  return JSON.stringify(acl.map((grant) => toStoredAcl([grant])).sort())
}

function toStores(acl: Acl, ours: string, theirs: string): Acl {
  return renamed(acl, ours, theirs)
}

function toOurs(acl: Acl, ours: string, theirs: string): Acl {
  return renamed(acl, theirs, ours)
}

function renamed(acl: Acl, from: string, to: string): Acl {
  return acl.map(({ grantee, permission }) => ({
    grantee: 'id' in grantee && grantee.id === from ? { id: to } : grantee,
    permission,
  }))
}

function toGrantHeaders(acl: Acl): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const [name, permission] of Object.entries(grantHeaders)) {
    const grantees = acl
      .filter((grant) => grant.permission === permission)
      .map(({ grantee }) => ('id' in grantee ? `id="${grantee.id}"` : `uri="${groupUri[grantee.group]}"`))
    if (grantees.length > 0) headers[name] = grantees.join(', ')
  }
  return headers
}

function aclDocument(acl: Acl, owner: string): string {
  return document(
    element('AccessControlPolicy', [
      element('Owner', [element('ID', owner)]),
      element('AccessControlList', acl.map(grantElement)),
    ]),
  )
}

function grantElement({ grantee, permission }: Grant): XmlNode {
  const type = (name: string) => ({
    'xmlns:xsi': 'http://www.w3.org/2001/XMLSchema-instance',
    'xsi:type': name,
  })
  const node =
    'id' in grantee
      ? element('Grantee', [element('ID', grantee.id)], type('CanonicalUser'))
      : element('Grantee', [element('URI', groupUri[grantee.group])], type('Group'))
  return element('Grant', [node, element('Permission', permission)])
}

/** Grants that are in no terms of ours give nobody anything here. Errors: BackendError unavailable. */
function readAclDocument(bytes: Uint8Array): { readonly owner: string; readonly acl: Acl } {
  let root: XmlElement
  try {
    root = readXml(bytes, 'AccessControlPolicy')
  } catch (error) {
    throw new BackendError('unavailable', "the store's access control list cannot be read", { cause: error })
  }
  const owner = root.child('Owner')?.child('ID')?.text() ?? ''
  const acl = (root.child('AccessControlList')?.children('Grant') ?? []).flatMap(readGrant)
  return { owner, acl }
}

function readGrant(grant: XmlElement): Grant[] {
  const text = grant.child('Permission')?.text()
  const permission = permissions.find((name) => name === text)
  const id = grant.child('Grantee')?.child('ID')?.text() ?? ''
  const uri = grant.child('Grantee')?.child('URI')?.text()
  const group = groups.find((name) => groupUri[name] === uri)
  if (permission === undefined) return []
  if (group !== undefined) return [{ grantee: { group }, permission }]
  return id === '' ? [] : [{ grantee: { id }, permission }]
}
