import * as v from 'valibot'
import type { EncryptionContext } from '../service.ts'
import { type Operation, operationNames, operations, type Subject } from './operations.ts'

/** Who may do what with which keys and contexts (docs/control-plane.md). What no rule allows is denied. */
export interface Policy {
  /** A subject of the operation; absent where it concerns no key in particular. */
  allows(identity: string, operation: Operation, subject?: Subject): boolean
  readonly clients: number
  readonly rules: number
}

interface Rule {
  readonly operations: ReadonlySet<Operation>
  readonly keys: readonly string[]
  readonly contexts: readonly EncryptionContext[]
}

export const allowAll: Policy = { allows: () => true, clients: 0, rules: 0 }
export const denyAll: Policy = { allows: () => false, clients: 0, rules: 0 }

const fileSizeMax = 1024 * 1024
const services = ['Keys', 'Admin'] as const
const text = v.pipe(v.string(), v.minLength(1), v.maxLength(1024))
const identity = v.pipe(
  v.string(),
  v.regex(/^sha256:[0-9a-f]{64}$/, 'must be sha256: and 64 lower-case hex digits'),
)
const operation = v.picklist(['*', ...services.map((service) => `${service}/*` as const), ...operationNames])

const Document = v.strictObject({
  clients: v.record(text, v.pipe(v.array(identity), v.minLength(1))),
  rules: v.array(
    v.strictObject({
      clients: v.pipe(v.array(text), v.minLength(1)),
      operations: v.pipe(v.array(operation), v.minLength(1)),
      keys: v.pipe(v.array(text), v.minLength(1)),
      contexts: v.optional(v.pipe(v.array(v.record(text, v.string())), v.minLength(1))),
    }),
  ),
})

/** Takes the file's text whole, or not at all. Errors: Error that says where it is wrong. */
export function parsePolicy(json: string): Policy {
  if (json.length > fileSizeMax) throw new Error(`the policy has more than ${fileSizeMax} characters`)
  const result = v.safeParse(Document, parseJson(json))
  if (!result.success) {
    const [issue] = result.issues
    throw new Error(`the policy is wrong at ${v.getDotPath(issue) ?? 'its top'}: ${issue.message}`)
  }
  const { clients, rules } = result.output
  const ofIdentity = new Map<string, Rule[]>()
  for (const [index, rule] of rules.entries()) {
    const compiled = {
      operations: new Set(rule.operations.flatMap(expand)),
      keys: rule.keys,
      contexts: rule.contexts ?? [{}],
    }
    for (const name of rule.clients) {
      const identities = clients[name]
      if (identities === undefined)
        throw new Error(`rules.${index} names the client ${name}, which is not there`)
      for (const each of identities) ofIdentity.set(each, [...(ofIdentity.get(each) ?? []), compiled])
    }
  }
  return {
    clients: Object.keys(clients).length,
    rules: rules.length,
    allows: (who, what, subject) =>
      (ofIdentity.get(who) ?? []).some(
        (rule) => rule.operations.has(what) && (subject === undefined || covers(rule, subject)),
      ),
  }
}

function parseJson(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch (error) {
    throw new Error('the policy is not JSON', { cause: error })
  }
}

function expand(name: v.InferOutput<typeof operation>): readonly Operation[] {
  const known = operationNames.find((each) => each === name)
  if (known !== undefined) return [known]
  return operationNames.filter((each) => name === '*' || name === `${operations[each].service}/*`)
}

function covers({ keys, contexts }: Rule, { keyId, context }: Subject): boolean {
  return keys.some((pattern) => matches(pattern, keyId)) && contexts.some((each) => holds(each, context))
}

/** Each entry that the rule asks for is in the context; the context may have more. */
function holds(asked: EncryptionContext, context: EncryptionContext): boolean {
  const entries = Object.entries(context)
  return Object.entries(asked).every(([namePattern, valuePattern]) =>
    entries.some(([name, value]) => matches(namePattern, name) && matches(valuePattern, value)),
  )
}

/** `*` stands for any characters, none included; everything else for itself. */
export function matches(pattern: string, text: string): boolean {
  const [first = '', ...rest] = pattern.split('*')
  const last = rest.pop()
  if (last === undefined) return pattern === text
  if (text.length < first.length + last.length) return false
  if (!text.startsWith(first) || !text.endsWith(last)) return false
  const end = text.length - last.length
  let offset = first.length
  for (const part of rest) {
    const found = text.indexOf(part, offset)
    if (found < 0 || found + part.length > end) return false
    offset = found + part.length
  }
  return true
}
