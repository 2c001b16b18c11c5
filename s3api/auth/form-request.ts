import { S3Error } from '../errors.ts'
import { requireKey } from '../http/target.ts'
import { readXml } from '../http/xml-reader.ts'
import type { S3Request } from '../operation.ts'
import { isHeaderName, isHeaderValue } from '../text.ts'
import type { Form } from './form.ts'

/** The PUT that a form stands for: its key, and its fields as the headers that they are called after. */

/** Fields by their own names, besides those that begin with `x-amz-`. */
const headerFields = new Set([
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-md5',
  'content-type',
  'expires',
])
/** Fields of the signature, and those that would speak of the form's own transfer. */
const dropped = new Set([
  'x-amz-algorithm',
  'x-amz-content-sha256',
  'x-amz-copy-source',
  'x-amz-credential',
  'x-amz-date',
  'x-amz-decoded-content-length',
  'x-amz-security-token',
  'x-amz-signature',
  'x-amz-trailer',
])
/** Headers of the request itself that say something about its sender. */
const keptHeaders = ['host', 'origin', 'referer', 'user-agent']

/** Errors: InvalidArgument, InvalidURI, KeyTooLongError, MalformedXML. */
export function requestOfForm(request: S3Request, form: Form): S3Request {
  const headers = new Map<string, string>()
  for (const name of keptHeaders) {
    const value = request.headers.get(name)
    if (value !== undefined) headers.set(name, value)
  }
  headers.set('content-length', String(form.file.size))
  for (const [name, value] of form.fields) {
    const header = headerOfField(name)
    if (header === undefined) continue
    if (name === 'tagging') {
      headers.set(header, taggingHeader(value))
      continue
    }
    // What no response could carry again must not be stored.
    if (!isHeaderName(header) || !isHeaderValue(value)) {
      throw new S3Error('InvalidArgument', `The field ${name} cannot be a header.`)
    }
    headers.set(header, value)
  }
  return { ...request, key: keyOf(form), headers }
}

/** The form's key. Errors: InvalidArgument, InvalidURI, KeyTooLongError. */
export function keyOf({ fields }: Pick<Form, 'fields'>): string {
  const key = fields.get('key') ?? ''
  if (key === '') {
    throw new S3Error(
      'InvalidArgument',
      "Bucket POST must contain a field named 'key'.  If it is specified, please check the order of the fields.",
      {
        elements: { ArgumentName: 'key', ArgumentValue: '' },
      },
    )
  }
  requireKey(key)
  return key
}

const filenameVariable = ['$', '{filename}'].join('')

/** With the file's name where a field wants it: any can, and the policy judges what comes of it (S3 API reference, "HTML form fields"). */
export function withFileName(form: Form): Form {
  // Some browsers send the whole path.
  const name = form.file.name.replace(/^.*[/\\]/s, '')
  const fields = new Map<string, string>()
  for (const [field, value] of form.fields)
    fields.set(
      field,
      value.replaceAll(filenameVariable, () => name),
    )
  return { ...form, fields }
}

function headerOfField(name: string): string | undefined {
  if (name === 'acl') return 'x-amz-acl'
  if (name === 'tagging') return 'x-amz-tagging'
  if (name.startsWith('x-amz-')) return dropped.has(name) ? undefined : name
  return headerFields.has(name) ? name : undefined
}

/** Tags come as a document, and are a query where a header has them. Errors: MalformedXML. */
function taggingHeader(value: string): string {
  if (value === '') return ''
  const set = readXml(Buffer.from(value, 'utf8'), 'Tagging').child('TagSet')
  if (set === undefined) throw new S3Error('MalformedXML')
  const pairs = new URLSearchParams()
  for (const tag of set.children('Tag')) {
    const [name, text] = [tag.child('Key')?.text(), tag.child('Value')?.text()]
    if (name === undefined || text === undefined) throw new S3Error('MalformedXML')
    pairs.append(name, text)
  }
  return pairs.toString()
}
