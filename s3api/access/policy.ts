import { S3Error } from '../errors.ts'
import { knownActions, type S3Action } from './actions.ts'
import {
  conditionValues,
  differsByNeed,
  kmsKeyIdKey,
  knownConditionKey,
  normalisedKeyId,
  type RequestFacts,
} from './condition-keys.ts'
import { type Condition, compileCondition } from './conditions.ts'
import { slowPiecesSize, slowPiecesSizeMax } from './pattern-cost.ts'
import { type PrincipalTest, parsePrincipals } from './principals.ts'
import { compileWildcard, type Wildcard } from './wildcard.ts'

/**
 * Policy documents, parsed strictly and compiled: what is not understood is refused, never ignored. Source: IAM user guide,
 * "Grammar of the IAM JSON policy language".
 */
export interface Policy {
  readonly statements: readonly Statement[]
}

/** What a policy says of a request; undefined: nothing. */
export type Verdict = 'Allow' | 'Deny' | undefined

/** What a policy is asked about. */
export interface Question {
  readonly action: S3Action
  readonly resource: string
  readonly facts: RequestFacts
}

export interface Statement {
  readonly effect: 'Allow' | 'Deny'
  /** Everybody, where the policy is a user's own. */
  readonly principals: PrincipalTest
  /** Of a lower-case action. */
  readonly actions: Wildcard
  /** Of an ARN. */
  readonly resources: Wildcard
  readonly conditions: readonly Condition[]
}

/** AWS's bound on a bucket policy, bytes. */
export const policySizeMax = 20 * 1024
const arnPrefix = 'arn:aws:s3:::'
const versions = new Set<unknown>([undefined, '2008-10-17', '2012-10-17'])
const statementMembers = new Set([
  'Sid',
  'Effect',
  'Principal',
  'NotPrincipal',
  'Action',
  'NotAction',
  'Resource',
  'NotResource',
  'Condition',
])

type Members = Readonly<Record<string, unknown>>

/** A bucket's policy. Errors: MalformedPolicy. */
export function parseBucketPolicy(json: string, bucket: string): Policy {
  const statements = statementsOf(json)
  if (slowPiecesSize(statements) > slowPiecesSizeMax) {
    throw malformedPolicy(
      `Between two * the patterns of a policy have at most ${slowPiecesSizeMax} characters in pieces with ? and in long ones`,
    )
  }
  return { statements: statements.map((statement) => parseStatement(statement, bucket)) }
}

/** A user's own policy, which has no principals; the operator may write what patterns they like. Errors: MalformedPolicy. */
export function parseUserPolicy(json: string): Policy {
  return { statements: statementsOf(json).map((statement) => parseStatement(statement, undefined)) }
}

/** A denial counts for more than any number of permissions. */
export function evaluatePolicy({ statements }: Policy, { action, resource, facts }: Question): Verdict {
  const name = action.toLowerCase()
  let verdict: Verdict
  for (const { effect, principals, actions, resources, conditions } of statements) {
    if (verdict === effect) continue
    if (!principals.matches(facts.user) || !actions(name) || !resources(resource)) continue
    if (!conditions.every((condition) => conditionHolds(condition, facts))) continue
    if (effect === 'Deny') return 'Deny'
    verdict = 'Allow'
  }
  return verdict
}

/** A request for many keys asks most conditions the same for each. */
function conditionHolds(condition: Condition, facts: RequestFacts): boolean {
  const { key } = condition
  if (differsByNeed(key, facts)) return condition.holds(conditionValues(key, facts))
  const holds = facts.judged?.get(condition) ?? condition.holds(conditionValues(key, facts))
  facts.judged?.set(condition, holds)
  return holds
}

/** Whether there is anything that it allows this user, or nobody, be it under conditions. */
export function allowsSome({ statements }: Policy, user: RequestFacts['user']): boolean {
  return statements.some(({ effect, principals }) => effect === 'Allow' && principals.matches(user))
}

/** Whether any condition asks for keys that begin so. */
export function asksFor({ statements }: Policy, keyPrefix: string): boolean {
  return statements.some(({ conditions }) => conditions.some(({ key }) => key.startsWith(keyPrefix)))
}

/** In place of a policy that cannot be followed. */
export const denyingAll: Policy = {
  statements: [
    {
      effect: 'Deny',
      principals: { everybody: true, matches: () => true },
      actions: () => true,
      resources: () => true,
      conditions: [],
    },
  ],
}

export function malformedPolicy(message: string): S3Error {
  return new S3Error('MalformedPolicy', message)
}

function statementsOf(json: string): readonly Members[] {
  if (Buffer.byteLength(json) > policySizeMax) {
    throw malformedPolicy(`Policies have at most ${policySizeMax} bytes`)
  }
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch (error) {
    throw new S3Error('MalformedPolicy', "Policies must be valid JSON and the first byte must be '{'", {
      cause: error,
    })
  }
  const document = members(value)
  for (const name of Object.keys(document)) {
    if (name !== 'Version' && name !== 'Id' && name !== 'Statement') {
      throw malformedPolicy(`Unknown field ${name}`)
    }
  }
  if (!versions.has(document.Version)) throw malformedPolicy('The policy must contain a valid version string')
  if (document.Id !== undefined && typeof document.Id !== 'string') throw malformedPolicy('Invalid policy id')
  const statements = Array.isArray(document.Statement) ? document.Statement : [document.Statement]
  if (statements.length === 0) throw malformedPolicy('Could not parse the policy: Statement is empty!')
  return statements.map(members)
}

/** Without a bucket: of a user's own policy. */
function parseStatement(statement: Members, bucket: string | undefined): Statement {
  for (const name of Object.keys(statement)) {
    if (!statementMembers.has(name)) throw malformedPolicy(`Unknown field ${name}`)
  }
  const { Sid, Effect: effect, Condition } = statement
  if (Sid !== undefined && typeof Sid !== 'string') throw malformedPolicy('Invalid statement id')
  if (effect !== 'Allow' && effect !== 'Deny') {
    throw malformedPolicy(effect === undefined ? 'Missing required field Effect' : 'Invalid effect')
  }
  return {
    effect,
    principals: bucket === undefined ? noPrincipals(statement) : bucketPrincipals(statement, effect),
    actions: parseActions(statement),
    resources: parseResources(statement, bucket),
    conditions: parseConditions(Condition),
  }
}

function noPrincipals(statement: Members): PrincipalTest {
  if (statement.Principal !== undefined || statement.NotPrincipal !== undefined) {
    throw malformedPolicy('A policy of a user has no principals')
  }
  return { everybody: true, matches: () => true }
}

function bucketPrincipals(statement: Members, effect: 'Allow' | 'Deny'): PrincipalTest {
  const { value, negated } = oneOf(statement, 'Principal', 'NotPrincipal')
  if (negated && effect === 'Allow') throw malformedPolicy('Allow with NotPrincipal is not allowed')
  const test = parsePrincipals(value)
  if (test === undefined) throw malformedPolicy('Invalid principal in policy')
  return negated ? { everybody: false, matches: (user) => !test.matches(user) } : test
}

function parseActions(statement: Members): Wildcard {
  const { value, negated } = oneOf(statement, 'Action', 'NotAction')
  const patterns = texts(value, 'Action').map((action) => {
    const pattern = compileWildcard(action.toLowerCase())
    if (!knownActions.some(pattern)) throw malformedPolicy('Policy has invalid action')
    return pattern
  })
  return anyOf(patterns, negated)
}

function parseResources(statement: Members, bucket: string | undefined): Wildcard {
  const { value, negated } = oneOf(statement, 'Resource', 'NotResource')
  const patterns = texts(value, 'Resource').map((resource) => {
    if (resource.includes('${')) throw malformedPolicy('Policy variables are not supported')
    if (resource !== '*' && !resource.startsWith(arnPrefix))
      throw malformedPolicy('Policy has invalid resource')
    if (bucket !== undefined && resource !== '*') {
      const [bucketPattern = ''] = resource.slice(arnPrefix.length).split('/')
      if (!compileWildcard(bucketPattern)(bucket)) throw malformedPolicy('Policy has invalid resource')
    }
    return compileWildcard(resource)
  })
  return anyOf(patterns, negated)
}

function parseConditions(value: unknown): Condition[] {
  if (value === undefined) return []
  return Object.entries(members(value)).flatMap(([operator, keys]) =>
    Object.entries(members(keys)).map(([name, expected]) => {
      const key = conditionKey(name)
      if (!knownConditionKey(key)) throw malformedPolicy('Policy has an invalid condition key')
      const values = (Array.isArray(expected) ? expected : [expected]).map((item: unknown) => {
        if (typeof item !== 'string' && typeof item !== 'boolean' && typeof item !== 'number') {
          throw malformedPolicy('Invalid condition value')
        }
        if (String(item).includes('${')) throw malformedPolicy('Policy variables are not supported')
        return key === kmsKeyIdKey ? normalisedKeyId(String(item)) : String(item)
      })
      const condition = values.length === 0 ? undefined : compileCondition(operator, key, values)
      if (condition === undefined) throw malformedPolicy(`Invalid condition: ${operator} for ${name}`)
      return condition
    }),
  )
}

/** Keys are the same in any case, but the names of tags in them are not. */
function conditionKey(name: string): string {
  const slash = name.indexOf('/')
  return slash === -1 ? name.toLowerCase() : name.slice(0, slash).toLowerCase() + name.slice(slash)
}

function oneOf(statement: Members, name: string, negatedName: string) {
  const [value, negatedValue] = [statement[name], statement[negatedName]]
  if (value !== undefined && negatedValue !== undefined) {
    throw malformedPolicy(`${name} and ${negatedName} cannot be combined`)
  }
  if (value === undefined && negatedValue === undefined)
    throw malformedPolicy(`Missing required field ${name}`)
  return { value: value ?? negatedValue, negated: value === undefined }
}

function anyOf(patterns: readonly Wildcard[], negated: boolean): Wildcard {
  return (text) => patterns.some((pattern) => pattern(text)) !== negated
}

function texts(value: unknown, name: string): string[] {
  const list: unknown[] = Array.isArray(value) ? value : [value]
  if (list.length === 0) throw malformedPolicy(`Missing required field ${name}`)
  return list.map((item) => {
    if (typeof item !== 'string' || item === '') throw malformedPolicy(`Invalid ${name}`)
    return item
  })
}

function members(value: unknown): Members {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    // An object that JSON.parse made has string keys and nothing else.
    return value as Members
  }
  throw malformedPolicy('This policy contains invalid Json')
}
