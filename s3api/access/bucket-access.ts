import type { Backend, Bucket } from '../backends/backend.ts'
import { S3Error } from '../errors.ts'
import { type Acl, defaultAcl, fromStoredAcl } from './acl.ts'
import { denyingAll, type Policy, parseBucketPolicy } from './policy.ts'
import { rootOwner } from './users.ts'

/** What a bucket says about access to it and to its objects, as one request sees it: each document is read once, when asked for. */
export interface BucketAccess {
  readonly bucket: Bucket
  /** Canonical id. */
  readonly owner: string
  policy(): Promise<Policy | undefined>
  acl(): Promise<Acl>
  ownership(): Promise<ObjectOwnership>
  publicAccessBlock(): Promise<PublicAccessBlock>
}

/** The names of the documents among the bucket's settings. */
export const accessSettings = {
  policy: 'policy',
  acl: 'acl',
  ownership: 'ownership',
  publicAccessBlock: 'public-access-block',
} as const

/** Whether objects belong to their writers or to the bucket's owner; only with the former do ACLs mean anything. */
export const ownershipModes = ['BucketOwnerEnforced', 'BucketOwnerPreferred', 'ObjectWriter'] as const
export type OwnershipMode = (typeof ownershipModes)[number]

export interface ObjectOwnership {
  readonly mode: OwnershipMode
  /** The bucket's own choice, not the server's default. */
  readonly chosen: boolean
}

export const publicAccessSwitches = [
  'BlockPublicAcls',
  'IgnorePublicAcls',
  'BlockPublicPolicy',
  'RestrictPublicBuckets',
] as const
export type PublicAccessBlock = Readonly<Record<(typeof publicAccessSwitches)[number], boolean>>

/** Errors: BackendError no-such-bucket. */
export async function openBucketAccess(
  backend: Backend,
  name: string,
  defaultMode: OwnershipMode,
): Promise<BucketAccess> {
  const bucket = await backend.getBucket(name)
  const owner = bucket.owner ?? rootOwner.id
  const setting = (key: keyof typeof accessSettings) => backend.getBucketSetting(name, accessSettings[key])
  return {
    bucket,
    owner,
    policy: once(async () => {
      const text = await setting('policy')
      return text === undefined ? undefined : compiledPolicy(text, name)
    }),
    acl: once(async () => {
      const text = await setting('acl')
      return text === undefined ? defaultAcl(owner) : fromStoredAcl(text)
    }),
    ownership: once(async () => {
      const text = await setting('ownership')
      if (text === undefined) return { mode: defaultMode, chosen: false }
      const mode = ownershipModes.find((known) => known === text)
      if (mode === undefined) throw new Error('the ownership controls of the bucket cannot be read')
      return { mode, chosen: true }
    }),
    publicAccessBlock: once(async () => fromStoredBlock(await setting('publicAccessBlock'))),
  }
}

/** JSON of the switches that are on. */
export function toStoredBlock(block: PublicAccessBlock): string {
  return JSON.stringify(publicAccessSwitches.filter((name) => block[name]))
}

function fromStoredBlock(text: string | undefined): PublicAccessBlock {
  const value: unknown = text === undefined ? [] : JSON.parse(text)
  if (!Array.isArray(value)) throw new Error('the public access block of the bucket cannot be read')
  const on = (name: (typeof publicAccessSwitches)[number]) => value.includes(name)
  return {
    BlockPublicAcls: on('BlockPublicAcls'),
    IgnorePublicAcls: on('IgnorePublicAcls'),
    BlockPublicPolicy: on('BlockPublicPolicy'),
    RestrictPublicBuckets: on('RestrictPublicBuckets'),
  }
}

const policiesMax = 256
const policies = new Map<string, Policy>()

/** Compiling takes longer than evaluating; a bucket's policy rarely changes. */
function compiledPolicy(text: string, bucket: string): Policy {
  const name = `${bucket}\n${text}`
  const known = policies.get(name)
  if (known !== undefined) return known
  const policy = storedPolicy(text, bucket)
  if (policies.size >= policiesMax) policies.delete(policies.keys().next().value ?? '')
  policies.set(name, policy)
  return policy
}

/** A policy of before a bound was set: nobody gets past it, and its owner can replace it. */
function storedPolicy(text: string, bucket: string): Policy {
  try {
    return parseBucketPolicy(text, bucket)
  } catch (error) {
    if (error instanceof S3Error && error.code === 'MalformedPolicy') return denyingAll
    throw error
  }
}

function once<Value>(load: () => Promise<Value>): () => Promise<Value> {
  let value: Promise<Value> | undefined
  return () => {
    value ??= load()
    return value
  }
}
