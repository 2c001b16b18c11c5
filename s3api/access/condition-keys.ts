import type { S3Request } from '../operation.ts'
import type { Condition } from './conditions.ts'
import type { User } from './users.ts'

/** What conditions can ask about a request. Source: Service Authorization Reference, "Condition keys for Amazon S3". */
export interface RequestFacts {
  readonly request: Pick<S3Request, 'headers' | 'query' | 'secure' | 'remoteAddress'>
  readonly user: User | undefined
  readonly signature: SignatureFacts | undefined
  readonly nowMs: number
  /** In place of the query's `prefix`: whether a key may be known of is asked as if it were listed. */
  readonly prefix?: string
  /** That is asked about: a copy's source has another than its target, and so has each object of a document. */
  readonly versionId?: string
  /** Of the object that the request is about, where a policy asks for them. */
  readonly existingTags?: ReadonlyMap<string, string>
  /** Those that the request's own document has; without them, those of its x-amz-tagging header, where that counts. */
  readonly requestTags?: ReadonlyMap<string, string>
  /** By header name: how the upload is encrypted that the request writes a part of. */
  readonly uploadEncryption?: ReadonlyMap<string, string>
  /** Whether conditions hold that ask the same of all that the request needs; filled as it is judged. */
  readonly judged?: Map<Condition, boolean>
}

export interface SignatureFacts {
  readonly type: 'REST-HEADER' | 'REST-QUERY-STRING' | 'POST'
  readonly version: 'AWS4-HMAC-SHA256' | 'AWS'
  /** Of a V4 signature. */
  readonly signedAtMs?: number
}

type Value = (facts: RequestFacts) => string | undefined

const encryptionPrefix = 'x-amz-server-side-encryption'
export const kmsKeyIdKey = `s3:${encryptionPrefix}-aws-kms-key-id`
export const existingTagKey = 's3:existingobjecttag/'
/** How the keys begin that ask about tags which the request brings. */
export const requestTagPrefix = 's3:requestobjecttag'
const requestTagKey = `${requestTagPrefix}/`
const requestTagNamesKey = `${requestTagPrefix}keys`

/** Keys that are a header of the request, `s3:` before its name. */
const headerNames = [
  encryptionPrefix,
  `${encryptionPrefix}-aws-kms-key-id`,
  `${encryptionPrefix}-customer-algorithm`,
  'if-match',
  'if-none-match',
  'x-amz-acl',
  'x-amz-content-sha256',
  'x-amz-grant-full-control',
  'x-amz-grant-read',
  'x-amz-grant-read-acp',
  'x-amz-grant-write',
  'x-amz-grant-write-acp',
  'x-amz-metadata-directive',
  'x-amz-object-ownership',
  'x-amz-storage-class',
  'x-amz-website-redirect-location',
]

const header =
  (name: string): Value =>
  ({ request, uploadEncryption }) =>
    (name.startsWith(encryptionPrefix) ? uploadEncryption?.get(name) : undefined) ?? request.headers.get(name)
const parameter =
  (name: string): Value =>
  ({ request }) =>
    request.query.get(name)

const values: ReadonlyMap<string, Value> = new Map<string, Value>([
  ...headerNames.map((name) => [`s3:${name}`, header(name)] as const),
  [kmsKeyIdKey, (facts) => normalisedKeyId(header(kmsKeyIdKey.slice('s3:'.length))(facts))],
  ['s3:x-amz-copy-source', ({ request }) => copySource(request.headers.get('x-amz-copy-source'))],
  ['s3:prefix', (facts) => facts.prefix ?? parameter('prefix')(facts)],
  ['s3:delimiter', parameter('delimiter')],
  ['s3:max-keys', parameter('max-keys')],
  ['s3:versionid', ({ versionId }) => versionId],
  ['s3:authtype', ({ signature }) => signature?.type],
  ['s3:signatureversion', ({ signature }) => signature?.version],
  ['s3:signatureage', signatureAge],
  ['aws:securetransport', ({ request }) => String(request.secure)],
  ['aws:sourceip', ({ request }) => request.remoteAddress],
  ['aws:referer', ({ request }) => request.headers.get('referer')],
  ['aws:useragent', ({ request }) => request.headers.get('user-agent')],
  ['aws:currenttime', ({ nowMs }) => new Date(nowMs).toISOString()],
  ['aws:epochtime', ({ nowMs }) => String(Math.floor(nowMs / 1000))],
  ['aws:userid', ({ user }) => user?.id],
  ['aws:username', ({ user }) => user?.name],
  ['aws:principalarn', ({ user }) => user && `arn:aws:iam::${user.tenant ?? ''}:user/${user.id}`],
])

/**
 * Whether a policy can have that key. Other keys of S3 are refused, so that none is relied on in vain; those of other
 * services are known to be absent from every request here.
 */
export function knownConditionKey(key: string): boolean {
  if (values.has(key) || key === requestTagNamesKey) return true
  for (const prefix of [existingTagKey, requestTagKey]) {
    if (key.startsWith(prefix)) return key.length > prefix.length
  }
  return /^[a-z-]+:[^:\s]+$/i.test(key) && !key.startsWith('s3:')
}

/** What the request has for the key; undefined: nothing. */
export function conditionValues(key: string, facts: RequestFacts): readonly string[] | undefined {
  if (key.startsWith(existingTagKey)) return list(facts.existingTags?.get(key.slice(existingTagKey.length)))
  if (key.startsWith(requestTagKey)) return list(requestTags(facts)?.get(key.slice(requestTagKey.length)))
  if (key === requestTagNamesKey) {
    const tags = requestTags(facts)
    return tags && [...tags.keys()]
  }
  return list(values.get(key)?.(facts))
}

/** Whether the request can have another value for each thing that it needs. */
export function differsByNeed(key: string, { requestTags, uploadEncryption }: RequestFacts): boolean {
  if (key === 's3:prefix' || key === 's3:versionid' || key.startsWith(existingTagKey)) return true
  if (key.startsWith(requestTagPrefix)) return requestTags !== undefined
  return uploadEncryption !== undefined && key.startsWith(`s3:${encryptionPrefix}`)
}

/** A key id, of an ARN its last element: both name the same key. */
export function normalisedKeyId<Text extends string | undefined>(text: Text): Text | string {
  return text === undefined ? text : text.replace(/^arn:aws:kms:[^:*]*:[^:*]*:(?:key|alias)\//, '')
}

function list(value: string | undefined): readonly string[] | undefined {
  return value === undefined ? undefined : [value]
}

function requestTags({ request, requestTags: own }: RequestFacts): ReadonlyMap<string, string> | undefined {
  if (own !== undefined) return own
  const { headers } = request
  // A copy takes the tags of its source, and not these, unless it says so (S3 API reference, CopyObject).
  if (headers.has('x-amz-copy-source') && headers.get('x-amz-tagging-directive') !== 'REPLACE')
    return undefined
  const text = headers.get('x-amz-tagging')
  return text === undefined ? undefined : new Map(new URLSearchParams(text))
}

/** `bucket/key`, decoded where it can be: what cannot is refused later in any case. */
function copySource(text: string | undefined): string | undefined {
  const path = text?.replace(/\?versionId=.*$/s, '').replaceAll('+', ' ')
  try {
    return path === undefined ? undefined : decodeURIComponent(path).replace(/^\//, '')
  } catch {
    return path
  }
}

function signatureAge({ signature, nowMs }: RequestFacts): string | undefined {
  if (signature?.signedAtMs === undefined) return undefined
  return String(Math.max(0, nowMs - signature.signedAtMs))
}
