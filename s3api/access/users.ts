import * as v from 'valibot'
import type { Credential } from '../config.ts'
import { messageOf, S3Error } from '../errors.ts'
import { type Policy, parseUserPolicy } from './policy.ts'

/** Who may sign requests: the root user of the environment, and those of the users file. */
export interface User extends Credential {
  /** Canonical id: names the user in ACLs, policies and as an owner. */
  readonly id: string
  /** Display name. */
  readonly name: string
  readonly email?: string
  /** The account part of the user's ARN. */
  readonly tenant?: string
  /** What the user may do; without one, all that owners of buckets may. */
  readonly policy?: Policy
  /** The operator: owns everything. */
  readonly root: boolean
}

/** How documents show a user. */
export type Owner = Pick<User, 'id' | 'name'>

/** One state of the users; a request works with one from its start to its end. */
export interface Users {
  readonly byAccessKey: ReadonlyMap<string, User>
  readonly byId: ReadonlyMap<string, User>
  /** By lower-case address. */
  readonly byEmail: ReadonlyMap<string, User>
}

export const rootOwner: Owner = {
  id: 'd2099ba16acf97ceeff5f96b4f7bc9a95a621cf10ea1a088c2abb2291017f4c5',
  name: 'sealgate',
}

/** What credentials look like, as MinIO has it. */
export const accessKeySizeMin = 3
export const accessKeyForm = /^[\w.@+=-]+$/
export const secretKeySizeMin = 8
const textSizeMax = 256
const usersMax = 10_000

const text = v.pipe(v.string(), v.minLength(1), v.maxLength(textSizeMax))
const fileSchema = v.strictObject({
  users: v.pipe(
    v.array(
      v.strictObject({
        accessKey: v.pipe(text, v.minLength(accessKeySizeMin), v.regex(accessKeyForm)),
        secretKey: v.pipe(text, v.minLength(secretKeySizeMin)),
        id: v.pipe(text, v.regex(/^[\w.$@-]+$/)),
        name: text,
        email: v.optional(v.pipe(text, v.regex(/^[^\s@]+@[^\s@]+$/))),
        tenant: v.optional(v.pipe(text, v.regex(/^[\w-]+$/))),
        policy: v.optional(v.record(v.string(), v.unknown())),
      }),
    ),
    v.maxLength(usersMax),
  ),
})

/** Users that a file adds to the root user. Errors: a message that says where the file is wrong, without any value of it. */
export function parseUsers(json: string, roots: Iterable<Credential>): Users {
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch {
    // The parser's own message would quote the text, secrets and all.
    throw new Error('the users file is not JSON')
  }
  const result = v.safeParse(fileSchema, value)
  if (!result.success) {
    throw new Error(`the users file is wrong at ${v.getDotPath(result.issues[0]) ?? 'its top'}`)
  }
  return collectUsers([...rootUsers(roots), ...result.output.users.map(toUser)])
}

/** Who signed; undefined: nobody. Errors: InvalidAccessKeyId for a user who is gone. */
export function userOf(
  { byAccessKey }: Users,
  { accessKey }: { readonly accessKey?: string },
): User | undefined {
  if (accessKey === undefined) return undefined
  const user = byAccessKey.get(accessKey)
  if (user === undefined) throw new S3Error('InvalidAccessKeyId')
  return user
}

/** Nobody owns what nobody made. Errors: AccessDenied. */
export function requireUser({ user }: { readonly user: User | undefined }): User {
  if (user === undefined) throw new S3Error('AccessDenied')
  return user
}

/** The root user alone. */
export function onlyRoot(roots: Iterable<Credential>): Users {
  return collectUsers(rootUsers(roots))
}

/** How to show the owner of that id, the root user where there is none. */
export function ownerOf({ byId }: Users, id: string | undefined): Owner {
  if (id === undefined || id === rootOwner.id) return rootOwner
  return { id, name: byId.get(id)?.name ?? id }
}

function rootUsers(roots: Iterable<Credential>): User[] {
  return [...roots].map((credential) => ({ ...credential, ...rootOwner, root: true }))
}

function toUser({ email, tenant, policy, ...user }: v.InferOutput<typeof fileSchema>['users'][number]): User {
  return {
    ...user,
    ...(email !== undefined && { email: email.toLowerCase() }),
    ...(tenant !== undefined && { tenant }),
    ...(policy !== undefined && { policy: readPolicy(user.id, policy) }),
    root: false,
  }
}

function readPolicy(id: string, policy: Readonly<Record<string, unknown>>): Policy {
  try {
    return parseUserPolicy(JSON.stringify(policy))
  } catch (error) {
    throw new Error(`the policy of the user ${id} is wrong: ${messageOf(error)}`, { cause: error })
  }
}

function collectUsers(users: readonly User[]): Users {
  const byAccessKey = new Map<string, User>()
  const byId = new Map<string, User>()
  const byEmail = new Map<string, User>()
  for (const user of users) {
    if (byAccessKey.has(user.accessKey)) throw new Error('two users have the same access key')
    // One user can have several root credentials, but nobody else is the root user.
    if (byId.has(user.id) && !user.root) throw new Error(`two users have the id ${user.id}`)
    if (user.email !== undefined && byEmail.has(user.email)) {
      throw new Error(`the users ${user.id} and ${byEmail.get(user.email)?.id} have the same e-mail address`)
    }
    byAccessKey.set(user.accessKey, user)
    byId.set(user.id, user)
    if (user.email !== undefined) byEmail.set(user.email, user)
  }
  return { byAccessKey, byId, byEmail }
}
