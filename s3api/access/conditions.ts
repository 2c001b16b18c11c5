import { BlockList, isIP } from 'node:net'
import { compileWildcard } from './wildcard.ts'

/**
 * Conditions of policy statements. Source: IAM user guide, "IAM JSON policy elements: Condition operators" and "Creating a
 * condition with multiple keys or values".
 */

/** A compiled condition; `values` are those that the request has for the key, undefined where it has none. */
export interface Condition {
  /** Lower-case, but for what follows a `/`: the tag's own name. */
  readonly key: string
  /** Keeps a statement to known addresses or principals, whatever else it allows. */
  readonly restricts: boolean
  holds(values: readonly string[] | undefined): boolean
}

/** Tests one value of the request against one of the policy. */
type Test = (value: string) => boolean
/** Makes the test of a policy's value; undefined where the value is none for this operator. */
type Compile = (expected: string) => Test | undefined

interface Operator {
  readonly compile: Compile
  /** The condition holds when no value of the policy fits, so also when the request has no value. */
  readonly negated: boolean
}

const numberForm = /^[+-]?\d{1,15}(\.\d{1,15})?$/

const equals: Compile = (expected) => (value) => value === expected
const equalsIgnoreCase: Compile = (expected) => (value) => value.toLowerCase() === expected.toLowerCase()
const like: Compile = (expected) => compileWildcard(expected)
const bool: Compile = (expected) => {
  const wanted = expected.toLowerCase()
  return wanted === 'true' || wanted === 'false' ? (value) => value.toLowerCase() === wanted : undefined
}

const operators: Readonly<Record<string, Operator>> = {
  StringEquals: { compile: equals, negated: false },
  StringNotEquals: { compile: equals, negated: true },
  StringEqualsIgnoreCase: { compile: equalsIgnoreCase, negated: false },
  StringNotEqualsIgnoreCase: { compile: equalsIgnoreCase, negated: true },
  StringLike: { compile: like, negated: false },
  StringNotLike: { compile: like, negated: true },
  ArnEquals: { compile: arn, negated: false },
  ArnLike: { compile: arn, negated: false },
  ArnNotEquals: { compile: arn, negated: true },
  ArnNotLike: { compile: arn, negated: true },
  Bool: { compile: bool, negated: false },
  IpAddress: { compile: address, negated: false },
  NotIpAddress: { compile: address, negated: true },
  ...compared('Numeric', parseNumber),
  ...compared('Date', parseDate),
}

/** Undefined for an operator that there is not, or a value that is none for it. */
export function compileCondition(
  operatorName: string,
  key: string,
  expected: readonly string[],
): Condition | undefined {
  const [, set, name = '', ifExists] =
    /^(?:(ForAllValues|ForAnyValue):)?([A-Za-z]+?)(IfExists)?$/.exec(operatorName) ?? []
  if (name === 'Null')
    return set === undefined && ifExists === undefined ? nullCondition(key, expected) : undefined
  const operator = Object.hasOwn(operators, name) ? operators[name] : undefined
  if (operator === undefined) return undefined
  const tests: Test[] = []
  for (const value of expected) {
    const test = operator.compile(value)
    if (test === undefined) return undefined
    tests.push(test)
  }
  const fits: Test = (value) => tests.some((test) => test(value)) !== operator.negated
  return {
    key,
    restricts:
      fixing.has(name) && set === undefined && ifExists === undefined && expected.every(restriction(key)),
    holds(values) {
      if (values === undefined || values.length === 0) {
        if (set === 'ForAllValues' || ifExists !== undefined) return true
        return operator.negated && set === undefined
      }
      // Without a qualifier, a negated operator wants no value at all to fit, the others any.
      const every = set === 'ForAllValues' || (set === undefined && operator.negated)
      return every ? values.every(fits) : values.some(fits)
    },
  }
}

/** `true`: the request must not have the key; `false`: it must. */
function nullCondition(key: string, expected: readonly string[]): Condition | undefined {
  const wanted = new Set(expected.map((value) => value.toLowerCase()))
  for (const value of wanted) if (value !== 'true' && value !== 'false') return undefined
  return { key, restricts: false, holds: (values) => wanted.has(String(values === undefined)) }
}

/** Operators that can keep a key to values that the policy names. */
const fixing = new Set([
  'ArnEquals',
  'ArnLike',
  'IpAddress',
  'StringEquals',
  'StringEqualsIgnoreCase',
  'StringLike',
])
const restrictingKeys = new Set([
  'aws:principalaccount',
  'aws:principalarn',
  'aws:principalorgid',
  'aws:sourceaccount',
  'aws:sourcearn',
  'aws:sourcevpc',
  'aws:sourcevpce',
  'aws:userid',
])
/** A range with fewer fixed bits is as good as everybody (the same page). */
const fixedBitsMin = { ipv4: 8, ipv6: 32 } as const

/** Whether a value of the policy for that key is narrow enough for a restriction. */
function restriction(key: string): Test {
  if (key === 'aws:sourceip') {
    return (range) => {
      const [network = '', bits] = range.split('/')
      const version = isIP(network)
      if (version === 0) return false
      return bits === undefined || Number(bits) >= fixedBitsMin[version === 6 ? 'ipv6' : 'ipv4']
    }
  }
  return (value) => restrictingKeys.has(key) && !/[*?]/.test(value)
}

function compared(prefix: string, parse: (text: string) => number | undefined): Record<string, Operator> {
  const by = (compare: (value: number, expected: number) => boolean): Compile => {
    return (text) => {
      const expected = parse(text)
      if (expected === undefined) return undefined
      return (given) => {
        const value = parse(given)
        return value !== undefined && compare(value, expected)
      }
    }
  }
  const same = by((value, expected) => value === expected)
  return {
    [`${prefix}Equals`]: { compile: same, negated: false },
    [`${prefix}NotEquals`]: { compile: same, negated: true },
    [`${prefix}LessThan`]: { compile: by((value, expected) => value < expected), negated: false },
    [`${prefix}LessThanEquals`]: { compile: by((value, expected) => value <= expected), negated: false },
    [`${prefix}GreaterThan`]: { compile: by((value, expected) => value > expected), negated: false },
    [`${prefix}GreaterThanEquals`]: { compile: by((value, expected) => value >= expected), negated: false },
  }
}

function parseNumber(text: string): number | undefined {
  return numberForm.test(text) ? Number(text) : undefined
}

/** Milliseconds of an ISO 8601 date, or of seconds since 1970. */
function parseDate(text: string): number | undefined {
  if (/^\d{1,12}$/.test(text)) return Number(text) * 1000
  if (!/^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2}))?$/.test(text))
    return undefined
  const timeMs = Date.parse(text)
  return Number.isNaN(timeMs) ? undefined : timeMs
}

/** Part by part between the colons, the last taking all that is left. */
function arn(expected: string): Test | undefined {
  const partsMax = 6
  const parts = (text: string) => {
    const first = text.split(':', partsMax - 1)
    const size = first.join(':').length
    return first.length < partsMax - 1 || size === text.length ? undefined : [...first, text.slice(size + 1)]
  }
  const patterns = parts(expected)?.map(compileWildcard)
  if (patterns === undefined) return undefined
  return (value) => parts(value)?.every((part, index) => patterns[index]?.(part)) ?? false
}

/** An address or a CIDR range. */
function address(expected: string): Test | undefined {
  const [network = '', bits, ...more] = expected.split('/')
  const version = isIP(network)
  const bitsMax = version === 6 ? 128 : 32
  if (version === 0 || more.length > 0) return undefined
  if (bits !== undefined && (!/^\d{1,3}$/.test(bits) || Number(bits) > bitsMax)) return undefined
  const list = new BlockList()
  list.addSubnet(network, bits === undefined ? bitsMax : Number(bits), version === 6 ? 'ipv6' : 'ipv4')
  return (value) => {
    const given = isIP(value)
    return given !== 0 && list.check(value, given === 6 ? 'ipv6' : 'ipv4')
  }
}
