import type { User } from './users.ts'

/** Whom a statement is about. Source: IAM user guide, "IAM JSON policy elements: Principal". */
export interface PrincipalTest {
  /** Anonymous requests too. */
  readonly everybody: boolean
  /** Undefined: nobody signed the request. */
  matches(user: User | undefined): boolean
}

const everybody: PrincipalTest = { everybody: true, matches: () => true }
const userArn = /^arn:aws:iam::([\w-]*):user\/(?:[^/]+\/)*([^/*?]+)$/
const accountArn = /^arn:aws:iam::([\w-]+):root$/
/** Of accounts and services that there are none of here: they match nobody. */
const foreignArn = /^arn:aws:(iam|sts)::[\w-]*:(role|assumed-role|federated-user|group)\/[^*?]+$/

/** Undefined where the value is no principal. */
export function parsePrincipals(value: unknown): PrincipalTest | undefined {
  if (value === '*') return everybody
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const tests: PrincipalTest[] = []
  for (const [type, names] of Object.entries(value)) {
    const list: unknown[] = Array.isArray(names) ? names : [names]
    if (list.length === 0) return undefined
    for (const name of list) {
      const test = typeof name === 'string' ? parsePrincipal(type, name) : undefined
      if (test === undefined) return undefined
      tests.push(test)
    }
  }
  if (tests.length === 0) return undefined
  return {
    everybody: tests.some((test) => test.everybody),
    matches: (user) => tests.some((test) => test.matches(user)),
  }
}

function parsePrincipal(type: string, name: string): PrincipalTest | undefined {
  switch (type) {
    case 'AWS':
      return parseAwsPrincipal(name)
    case 'CanonicalUser':
      return name === '' ? undefined : some((user) => user.id === name)
    case 'Service':
    case 'Federated':
      return name === '' ? undefined : some(() => false)
    default:
      return undefined
  }
}

function parseAwsPrincipal(name: string): PrincipalTest | undefined {
  if (name === '*') return everybody
  const [, account, id] = userArn.exec(name) ?? []
  if (id !== undefined) return some((user) => user.id === id && (user.tenant ?? '') === account)
  const tenant = accountArn.exec(name)?.[1] ?? (/^[\w-]+$/.test(name) ? name : undefined)
  if (tenant !== undefined) return some((user) => user.tenant === tenant)
  return foreignArn.test(name) ? some(() => false) : undefined
}

function some(matches: (user: User) => boolean): PrincipalTest {
  return { everybody: false, matches: (user) => user !== undefined && matches(user) }
}
