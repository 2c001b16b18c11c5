import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { RequestFacts } from '../../../s3api/access/condition-keys.ts'
import {
  evaluatePolicy,
  parseBucketPolicy,
  parseUserPolicy,
  policySizeMax,
} from '../../../s3api/access/policy.ts'
import { isPublicPolicy } from '../../../s3api/access/public-policy.ts'
import type { User } from '../../../s3api/access/users.ts'
import { S3Error } from '../../../s3api/errors.ts'
import { propertyRuns } from '../../support/property.ts'

const test = suite('s3api/access/policy')
const alice: User = { accessKey: 'A', secretKey: 's', id: 'alice', name: 'Alice', root: false }
const bob: User = { accessKey: 'B', secretKey: 's', id: 'bob', name: 'Bob', tenant: 'team', root: false }
const allow = { Effect: 'Allow', Principal: '*', Action: 's3:GetObject', Resource: 'arn:aws:s3:::b/*' }

interface Asked {
  readonly action?: Parameters<typeof evaluatePolicy>[1]['action']
  readonly resource?: string
  readonly user?: User | undefined
  readonly headers?: Readonly<Record<string, string>>
  readonly query?: Readonly<Record<string, string>>
  readonly facts?: Partial<RequestFacts>
  readonly address?: string
}

function judge(statements: unknown, asked: Asked = {}) {
  const policy = parseBucketPolicy(JSON.stringify({ Version: '2012-10-17', Statement: statements }), 'b')
  const facts: RequestFacts = {
    request: {
      headers: new Map(Object.entries(asked.headers ?? {})),
      query: new Map(Object.entries(asked.query ?? {})),
      secure: false,
      remoteAddress: asked.address ?? '192.0.2.7',
    },
    user: 'user' in asked ? asked.user : alice,
    signature: { type: 'REST-HEADER', version: 'AWS4-HMAC-SHA256', signedAtMs: 1_000_000 },
    nowMs: 1_060_000,
    ...asked.facts,
  }
  return evaluatePolicy(policy, {
    action: asked.action ?? 's3:GetObject',
    resource: asked.resource ?? 'arn:aws:s3:::b/key',
    facts,
  })
}

const refuses = (statement: unknown) =>
  assert.throws(
    () => judge(statement),
    (error: unknown) => error instanceof S3Error && error.code === 'MalformedPolicy',
    JSON.stringify(statement),
  )

test('a statement counts for its actions, resources and principals only', () => {
  assert.is(judge(allow), 'Allow')
  assert.is(judge(allow, { user: undefined }), 'Allow')
  assert.is(judge(allow, { action: 's3:PutObject' }), undefined)
  assert.is(judge(allow, { resource: 'arn:aws:s3:::b' }), undefined)
  assert.is(judge({ ...allow, Action: ['S3:get*'] }), 'Allow')
  assert.is(judge({ ...allow, Action: undefined, NotAction: 's3:GetObject' }), undefined)
  assert.is(judge({ ...allow, Resource: undefined, NotResource: 'arn:aws:s3:::b/x*' }), 'Allow')
  assert.is(judge({ ...allow, Resource: undefined, NotResource: 'arn:aws:s3:::b/k?y' }), undefined)
})

test('users are named by ARN, account and canonical id; anonymous requests only by everybody', () => {
  const named = (Principal: unknown, user: User | undefined) => judge({ ...allow, Principal }, { user })
  assert.is(named({ AWS: 'arn:aws:iam:::user/alice' }, alice), 'Allow')
  assert.is(named({ AWS: 'arn:aws:iam:::user/alice' }, bob), undefined)
  assert.is(named({ AWS: 'arn:aws:iam:::user/bob' }, bob), undefined)
  assert.is(named({ AWS: ['arn:aws:iam::team:user/bob'] }, bob), 'Allow')
  assert.is(named({ AWS: 'arn:aws:iam::team:root' }, bob), 'Allow')
  assert.is(named({ AWS: 'team' }, alice), undefined)
  assert.is(named({ CanonicalUser: 'alice' }, alice), 'Allow')
  assert.is(named({ Service: 'logging.s3.amazonaws.com' }, alice), undefined)
  assert.is(named({ AWS: '*' }, undefined), 'Allow')
  assert.is(named({ CanonicalUser: 'alice' }, undefined), undefined)
  const others = { ...allow, Effect: 'Deny', Principal: undefined, NotPrincipal: { CanonicalUser: 'alice' } }
  assert.is(judge(others, { user: alice }), undefined)
  assert.is(judge(others, { user: undefined }), 'Deny')
})

test('a denial counts for more than permissions, in any order', () => {
  const deny = { ...allow, Effect: 'Deny', Action: '*' }
  assert.is(judge([allow, deny, allow]), 'Deny')
  assert.is(judge([deny, allow]), 'Deny')
})

const withCondition = (Condition: unknown, asked: Asked) => judge({ ...allow, Condition }, asked) === 'Allow'

test('conditions hold as AWS describes, with and without a value in the request', () => {
  const sse = 's3:x-amz-server-side-encryption'
  const kms = { headers: { 'x-amz-server-side-encryption': 'aws:kms' } }
  const cases: [condition: unknown, asked: Asked, holds: boolean][] = [
    [{ StringEquals: { [sse]: 'aws:kms' } }, kms, true],
    [{ StringEquals: { [sse]: ['AES256', 'aws:kms'] } }, kms, true],
    [{ StringEquals: { [sse]: 'AES256' } }, kms, false],
    [{ StringEquals: { [sse]: 'AES256' } }, {}, false],
    [{ StringEqualsIfExists: { [sse]: 'AES256' } }, {}, true],
    [{ StringEqualsIfExists: { [sse]: 'AES256' } }, kms, false],
    [{ StringNotEquals: { [sse]: 'AES256' } }, kms, true],
    [{ StringNotEquals: { [sse]: ['AES256', 'aws:kms'] } }, kms, false],
    [{ StringNotEquals: { [sse]: 'AES256' } }, {}, true],
    [{ Null: { [sse]: 'true' } }, {}, true],
    [{ Null: { [sse]: 'true' } }, kms, false],
    [{ Null: { [sse]: false } }, kms, true],
    [{ StringLike: { 'aws:Referer': 'http://x.com/*' } }, { headers: { referer: 'http://x.com/a' } }, true],
    [{ StringNotLike: { 'aws:Referer': 'http://x.com/*' } }, { headers: { referer: 'http://y.com/' } }, true],
    [{ StringEqualsIgnoreCase: { 'AWS:USERAGENT': 'Curl' } }, { headers: { 'user-agent': 'cURL' } }, true],
    [{ IpAddress: { 'aws:SourceIp': '192.0.2.0/24' } }, {}, true],
    [{ IpAddress: { 'aws:SourceIp': ['10.0.0.0/8', '2001:db8::/32'] } }, { address: '2001:db8::1' }, true],
    [{ NotIpAddress: { 'aws:SourceIp': '192.0.2.0/24' } }, {}, false],
    [{ Bool: { 'aws:SecureTransport': 'false' } }, {}, true],
    [{ Bool: { 'aws:SecureTransport': true } }, {}, false],
    [{ NumericLessThanEquals: { 's3:max-keys': 10 } }, { query: { 'max-keys': '10' } }, true],
    [{ NumericLessThan: { 's3:max-keys': '10' } }, { query: { 'max-keys': '10' } }, false],
    [{ NumericNotEquals: { 's3:max-keys': '10' } }, {}, true],
    [{ NumericGreaterThan: { 's3:signatureAge': 59_999 } }, {}, true],
    [{ NumericGreaterThan: { 's3:signatureAge': 60_000 } }, {}, false],
    [{ DateLessThan: { 'aws:CurrentTime': '1970-01-02T00:00:00Z' } }, {}, true],
    [{ DateGreaterThan: { 'aws:EpochTime': '1970-01-02' } }, {}, false],
    [{ StringEquals: { 's3:authType': 'REST-HEADER', 's3:signatureversion': 'AWS4-HMAC-SHA256' } }, {}, true],
    [{ ArnLike: { 'aws:PrincipalArn': 'arn:aws:iam::*:user/al*' } }, {}, true],
    [{ ArnNotEquals: { 'aws:SourceArn': 'arn:aws:s3:::x' } }, {}, true],
    [{ StringEquals: { 's3:prefix': 'p/' } }, { query: { prefix: 'p/' } }, true],
    [
      { StringEquals: { 's3:x-amz-copy-source': 'b/a c' } },
      { headers: { 'x-amz-copy-source': '%2Fb/a%20c' } },
      true,
    ],
    [{ StringEquals: { 's3:RequestObjectTag/T': 'v' } }, { headers: { 'x-amz-tagging': 'T=v&u=w' } }, true],
    [{ StringEquals: { 's3:RequestObjectTag/t': 'v' } }, { headers: { 'x-amz-tagging': 'T=v' } }, false],
    [
      { 'ForAllValues:StringLike': { 's3:RequestObjectTagKeys': ['a', 'b'] } },
      { headers: { 'x-amz-tagging': 'a=1&b=2' } },
      true,
    ],
    [
      { 'ForAllValues:StringLike': { 's3:RequestObjectTagKeys': ['a'] } },
      { headers: { 'x-amz-tagging': 'a=1&b=2' } },
      false,
    ],
    [
      { 'ForAnyValue:StringLike': { 's3:RequestObjectTagKeys': ['a'] } },
      { headers: { 'x-amz-tagging': 'a=1&b=2' } },
      true,
    ],
    [{ 'ForAnyValue:StringLike': { 's3:RequestObjectTagKeys': ['a'] } }, {}, false],
    [
      { StringEquals: { 's3:ExistingObjectTag/k': 'v' } },
      { facts: { existingTags: new Map([['k', 'v']]) } },
      true,
    ],
    [{ StringEquals: { 's3:ExistingObjectTag/k': 'v' } }, {}, false],
    [{ StringEquals: { 'aws:PrincipalOrgID': 'o-1' } }, {}, false],
    [
      { StringEquals: { 's3:x-amz-server-side-encryption-aws-kms-key-id': 'arn:aws:kms:us-east-1:1:key/k' } },
      { headers: { 'x-amz-server-side-encryption-aws-kms-key-id': 'k' } },
      true,
    ],
    [{ StringEquals: { [sse]: 'aws:kms' }, Bool: { 'aws:SecureTransport': 'true' } }, kms, false],
  ]
  for (const [condition, asked, holds] of cases) {
    assert.is(withCondition(condition, asked), holds, JSON.stringify([condition, asked.headers]))
  }
})

test('what is not understood is refused', () => {
  const deny = { ...allow, Effect: 'Deny' }
  const without = (name: keyof typeof allow) => ({ ...allow, [name]: undefined })
  for (const name of ['Effect', 'Principal', 'Action', 'Resource'] as const) refuses(without(name))
  refuses([])
  refuses({ ...allow, Effect: 'Permit' })
  refuses({ ...allow, Action: 's3:GetObjekt' })
  refuses({ ...allow, Action: 'ec2:*' })
  refuses({ ...allow, Action: [] })
  refuses({ ...allow, NotAction: 's3:PutObject' })
  refuses({ ...allow, Resource: 'arn:aws:s3:::other/*' })
  refuses({ ...allow, Resource: 'b/*' })
  refuses({ ...allow, Resource: `arn:aws:s3:::b/${'${'}aws:username}/*` })
  refuses({ ...allow, Principal: { AWS: 'nobody/at/all' } })
  refuses({ ...allow, Principal: { AWS: 'arn:aws:iam::1:user/*' } })
  refuses({ ...allow, Principal: {} })
  refuses({ ...allow, Principal: undefined, NotPrincipal: { CanonicalUser: 'x' } })
  refuses({ ...allow, Sid: 1 })
  refuses({ ...allow, Comment: 'x' })
  for (const condition of [
    { StringEqual: { 's3:prefix': 'a' } },
    { toString: { 's3:prefix': 'a' } },
    { NullIfExists: { 's3:prefix': 'true' } },
    { Null: { 's3:prefix': 'maybe' } },
    { Bool: { 'aws:SecureTransport': 'yes' } },
    { IpAddress: { 'aws:SourceIp': '10.0.0.0/33' } },
    { NumericEquals: { 's3:max-keys': 'ten' } },
    { DateEquals: { 'aws:CurrentTime': 'yesterday' } },
    { StringEquals: { 's3:x-amz-server-side-encrytion': 'AES256' } },
    { StringEquals: { 's3:ExistingObjectTag/': 'x' } },
    { StringEquals: { 's3:prefix': [] } },
    { StringEquals: { 's3:prefix': { a: 1 } } },
    { StringEquals: 's3:prefix' },
  ]) {
    refuses({ ...deny, Condition: condition })
  }
  for (const text of [
    '',
    '[]',
    '"x"',
    '{',
    '{"Version":"2020-01-01","Statement":{}}',
    '{"More":1,"Statement":{}}',
  ]) {
    assert.throws(() => parseBucketPolicy(text, 'b'), text)
  }
  assert.throws(() =>
    parseBucketPolicy(' '.repeat(policySizeMax) + JSON.stringify({ Statement: allow }), 'b'),
  )
  assert.throws(() => parseUserPolicy(JSON.stringify({ Statement: allow })), /no principals/)
})

test('a policy is public when it allows everybody and nothing narrows whom', () => {
  const isPublic = (statement: unknown) =>
    isPublicPolicy(parseBucketPolicy(JSON.stringify({ Statement: statement }), 'b'))
  const under = (Condition: unknown) => isPublic({ ...allow, Condition })
  assert.is(isPublic(allow), true)
  assert.is(isPublic({ ...allow, Effect: 'Deny' }), false)
  assert.is(isPublic({ ...allow, Principal: { AWS: 'arn:aws:iam::team:root' } }), false)
  assert.is(under({ IpAddress: { 'aws:SourceIp': '10.0.0.0/32' } }), false)
  assert.is(under({ IpAddress: { 'aws:SourceIp': '0.0.0.0/1' } }), true)
  assert.is(under({ NotIpAddress: { 'aws:SourceIp': '10.0.0.0/32' } }), true)
  for (const operator of ['StringLike', 'StringLikeIfExists', 'ForAnyValue:StringLike']) {
    for (const wild of ['*', '1*', '10.0.0.?', '*.*']) {
      assert.is(under({ [operator]: { 'aws:SourceIp': wild } }), true, `${operator} ${wild}`)
    }
  }
  assert.is(under({ StringLike: { 'aws:SourceIp': ['10.0.0.1', '*'] } }), true)
  assert.is(under({ StringLike: { 'aws:SourceIp': '10.0.0.1' } }), false)
  assert.is(under({ IpAddress: { 'aws:SourceIp': ['10.0.0.1', '2001:db8::/32'] } }), false)
  assert.is(under({ IpAddress: { 'aws:SourceIp': '2001::/16' } }), true)
  assert.is(under({ NumericGreaterThan: { 'aws:userid': '0' } }), true)
  assert.is(under({ StringLike: { 'aws:Referer': 'http://x/*' } }), true)
  assert.is(under({ StringEquals: { 'aws:userid': 'alice' } }), false)
  assert.is(under({ StringLike: { 'aws:userid': '*' } }), true)
})

test('whatever a document holds, the answer is a policy or MalformedPolicy', () => {
  const words = fc.constantFrom(
    'Allow',
    'Deny',
    '*',
    's3:*',
    'arn:aws:s3:::b/*',
    'AWS',
    'StringLike',
    's3:prefix',
  )
  const names = fc.constantFrom(
    'Effect',
    'Principal',
    'Action',
    'Resource',
    'Condition',
    'NotAction',
    '__proto__',
  )
  const { value } = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      words,
      fc.jsonValue(),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(fc.oneof(names, words), tie('value'), { maxKeys: 5 }),
    ),
  }))
  fc.assert(
    fc.property(value, fc.boolean(), (statement, whole) => {
      const text = JSON.stringify(whole ? statement : { Statement: statement }) ?? ''
      try {
        parseBucketPolicy(text, 'b')
      } catch (error) {
        assert.ok(error instanceof S3Error && error.code === 'MalformedPolicy', String(error))
      }
    }),
    { numRuns: propertyRuns.numRuns * 20 },
  )
})

test.run()
