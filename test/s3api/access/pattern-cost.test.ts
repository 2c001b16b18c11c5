import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { evaluatePolicy, type Policy, parseBucketPolicy } from '../../../s3api/access/policy.ts'
import { compileWildcard } from '../../../s3api/access/wildcard.ts'
import { S3Error } from '../../../s3api/errors.ts'
import { propertyRuns } from '../../support/property.ts'

const test = suite('s3api/access/pattern-cost')
const allow = { Effect: 'Allow', Principal: '*', Action: 's3:GetObject', Resource: 'arn:aws:s3:::b/*' }

function policyOf(statements: unknown): Policy {
  return parseBucketPolicy(JSON.stringify({ Statement: statements }), 'b')
}

const refuses = (statements: unknown) =>
  assert.throws(
    () => policyOf(statements),
    (error: unknown) => error instanceof S3Error && error.code === 'MalformedPolicy',
  )

test('wildcards match as a regular expression does', () => {
  const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?'), maxLength: 8 })
  const text = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 10 })
  fc.assert(
    fc.property(pattern, text, (wanted, given) => {
      const expression = new RegExp(`^${wanted.replaceAll('*', '[^]*').replaceAll('?', '[^]')}$`)
      assert.is(compileWildcard(wanted)(given), expression.test(given), `${wanted} ${given}`)
    }),
    { numRuns: propertyRuns.numRuns * 50 },
  )
})

test('patterns that would have to be looked for character by character are bounded, those of all statements together', () => {
  const under = (...referers: string[]) => ({
    ...allow,
    Condition: { StringLike: { 'aws:Referer': referers } },
  })
  refuses(under(`*${'a'.repeat(9_000)}?b*`))
  refuses(under(`*${'a'.repeat(9_000)}b*`))
  refuses({ ...allow, Condition: { ArnNotLike: { 'aws:SourceArn': `arn:*${'?'.repeat(257)}*` } } })
  refuses({ ...allow, Resource: `arn:aws:s3:::b/*${'?'.repeat(257)}*` })
  const half = `*${'a'.repeat(127)}?*`
  policyOf([under(half), { ...allow, Resource: undefined, NotResource: `arn:aws:s3:::b/${half}` }])
  refuses([under(half, half), { ...allow, Resource: [`arn:aws:s3:::b/x${half}`] }])
  // What stands at an end is compared once, and short literals are searched for.
  const long = 'a'.repeat(5_000)
  policyOf(under(`${long}?*`, `*?${long}`, 'ab*'.repeat(1_000)))
  policyOf({ ...allow, Condition: { StringEquals: { 'aws:Referer': `*${long}?*` } } })
})

test('what is the same for all keys of a request is judged once, what is not for each', () => {
  const policy = policyOf({
    ...allow,
    Condition: { StringLike: { 'aws:Referer': '*a?b*', 's3:prefix': 'p/*', 's3:ExistingObjectTag/t': 'v*' } },
  })
  let asked = 0
  const headers = new Map([['referer', 'xaabx']])
  const get = headers.get.bind(headers)
  headers.get = (name) => {
    asked++
    return get(name)
  }
  const judged = new Map()
  const verdict = (prefix: string, tag: string) =>
    evaluatePolicy(policy, {
      action: 's3:GetObject',
      resource: 'arn:aws:s3:::b/key',
      facts: {
        request: { headers, query: new Map(), secure: true, remoteAddress: '' },
        user: undefined,
        signature: undefined,
        nowMs: 0,
        prefix,
        existingTags: new Map([['t', tag]]),
        judged,
      },
    })
  assert.equal([verdict('p/', 'v'), verdict('q/', 'v'), verdict('p/', 'w')], ['Allow', undefined, undefined])
  assert.is(verdict('p/1', 'v1'), 'Allow')
  assert.is(asked, 1)
})

test.run()
