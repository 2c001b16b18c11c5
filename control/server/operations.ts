import type { EncryptionContext } from '../service.ts'

/** Every operation of the service, and what of its request policy looks at and audit writes down: data, for `gate.ts`. */

/** A key and a context that an operation uses. An empty key id is the default key. */
export interface Subject {
  readonly keyId: string
  readonly context: EncryptionContext
  /** Objects that were sealed and opened under a lease, where that is what the request tells. */
  readonly uses?: { readonly sealed: number; readonly opened: number }
}

interface Row {
  readonly service: 'Keys' | 'Admin'
  /** `key`: one key and context; `items`: as many as the request has; `none`: it concerns no key in particular. */
  readonly uses: 'key' | 'items' | 'none'
  /** What only looks, and gives away no key, is left out of the audit. */
  readonly audited: boolean
}

const keyOperation = { service: 'Keys', uses: 'key', audited: true } as const satisfies Row
const look = { uses: 'none', audited: false } as const
const keyChange = { service: 'Admin', uses: 'key', audited: true } as const satisfies Row

export const operations = {
  GenerateDataKey: keyOperation,
  LeaseDataKey: keyOperation,
  Decrypt: keyOperation,
  DecryptStream: keyOperation,
  DecryptBatch: { service: 'Keys', uses: 'items', audited: true },
  Encrypt: keyOperation,
  Rewrap: keyOperation,
  ReportUses: { service: 'Keys', uses: 'items', audited: true },
  Watch: { service: 'Keys', ...look },
  Status: { service: 'Keys', ...look },
  ListKeys: { service: 'Admin', ...look },
  DescribeKey: { service: 'Admin', uses: 'key', audited: false },
  CreateKey: keyChange,
  RotateKey: keyChange,
  DisableKey: keyChange,
  EnableKey: keyChange,
  FlushCache: { service: 'Admin', uses: 'none', audited: true },
  Doctor: { service: 'Admin', ...look },
} as const satisfies Record<string, Row>

export type Operation = keyof typeof operations

// The keys of an object literal are its own.
export const operationNames = Object.keys(operations) as readonly Operation[]

/** How many items the request of an operation has. */
export function itemCountOf(operation: Operation, request: unknown): number {
  // kms.proto: requests of these operations have these items.
  return operations[operation].uses === 'items' ? (request as { items: Item[] }).items.length : 0
}

/** What the request of an operation uses, the default key by its id. */
export function subjectsOf(operation: Operation, request: unknown, defaultKeyId: string): readonly Subject[] {
  const { uses } = operations[operation]
  if (uses === 'none') return []
  // kms.proto: requests of these operations have these fields, some without a context.
  const items = uses === 'items' ? (request as { items: Item[] }).items : [request as Item]
  return items.map(({ keyId, context, sealed, opened }) => ({
    keyId: keyId || defaultKeyId,
    context: context ?? {},
    ...(operation === 'ReportUses' && { uses: { sealed: Number(sealed), opened: Number(opened) } }),
  }))
}

interface Item {
  readonly keyId?: string
  readonly context?: EncryptionContext
  readonly sealed?: unknown
  readonly opened?: unknown
}
