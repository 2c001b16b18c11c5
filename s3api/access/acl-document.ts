import { S3Error } from '../errors.ts'
import { readXml, type XmlElement } from '../http/xml-reader.ts'
import { document, element, type XmlNode } from '../http/xml-writer.ts'
import { type Acl, type Grant, type Grantee, grantsMax, permissions } from './acl.ts'
import { granteeOf, groupUri } from './grantees.ts'
import { type Owner, ownerOf, type Users } from './users.ts'

/** Access control lists as documents (S3 API reference, PutObjectAcl and GetObjectAcl). */

/** Errors: MalformedACLError, and those of the grantees. AccessDenied for a document that names another owner. */
export function readAcl(bytes: Uint8Array, owner: string, users: Users): Acl {
  const root = readDocument(bytes)
  const named = root.child('Owner')?.child('ID')?.text().trim()
  if (named !== undefined && named !== '' && named !== owner) throw new S3Error('AccessDenied')
  const list = root.child('AccessControlList')
  if (list === undefined) throw new S3Error('MalformedACLError')
  const grants = list.children('Grant')
  if (grants.length > grantsMax) throw new S3Error('MalformedACLError')
  return grants.map((grant) => readGrant(grant, users))
}

export function aclDocument(acl: Acl, owner: string, users: Users): string {
  return document(
    element('AccessControlPolicy', [
      ownerElement('Owner', ownerOf(users, owner)),
      element(
        'AccessControlList',
        groupsFirst(acl).map((grant) =>
          element('Grant', [granteeElement(grant, users), element('Permission', grant.permission)]),
        ),
      ),
    ]),
  )
}

/** The order in which other servers show grants, and clients compare them. */
function groupsFirst(acl: Acl): Acl {
  const isGroup = ({ grantee }: Grant) => 'group' in grantee
  return [...acl.filter(isGroup), ...acl.filter((grant) => !isGroup(grant))]
}

function readDocument(bytes: Uint8Array): XmlElement {
  try {
    return readXml(bytes, 'AccessControlPolicy')
  } catch (error) {
    throw new S3Error('MalformedACLError', undefined, { cause: error instanceof Error ? error : undefined })
  }
}

function readGrant(grant: XmlElement, users: Users): Grant {
  const text = grant.child('Permission')?.text().trim()
  const permission = permissions.find((name) => name === text)
  const grantee = grant.child('Grantee')
  if (permission === undefined || grantee === undefined) throw new S3Error('MalformedACLError')
  return { grantee: readGrantee(grantee, users), permission }
}

function readGrantee(grantee: XmlElement, users: Users): Grantee {
  const forms = [
    ['id', 'ID'],
    ['uri', 'URI'],
    ['emailAddress', 'EmailAddress'],
  ] as const
  for (const [form, child] of forms) {
    const text = grantee.child(child)?.text().trim()
    if (text !== undefined && text !== '') return granteeOf(form, text, users)
  }
  throw new S3Error('MalformedACLError')
}

function granteeElement({ grantee }: Grant, users: Users): XmlNode {
  const type = (name: string) => ({
    'xmlns:xsi': 'http://www.w3.org/2001/XMLSchema-instance',
    'xsi:type': name,
  })
  if ('group' in grantee) {
    return element('Grantee', [element('URI', groupUri[grantee.group])], type('Group'))
  }
  return element('Grantee', ownerChildren(ownerOf(users, grantee.id)), type('CanonicalUser'))
}

/** A user under one of the names that documents give it. */
export function ownerElement(name: 'Owner' | 'Initiator', owner: Owner): XmlNode {
  return element(name, ownerChildren(owner))
}

function ownerChildren({ id, name }: Owner): XmlNode[] {
  return [element('ID', id), element('DisplayName', name)]
}
