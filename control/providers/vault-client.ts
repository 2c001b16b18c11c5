import nodeVault from 'node-vault'
import type { VaultConfig } from '../config.ts'
import { KmsError } from '../errors.ts'
import { VaultError } from './vault-error.ts'
import { createVaultTransport, type TransportRequest } from './vault-transport.ts'

/** A token as a login or a renewal grants it. */
export interface VaultGrant {
  readonly token: string
  /** How long the token lives from now, unless renewed; 0 for ever. */
  readonly leaseSeconds: number
  readonly renewable: boolean
}

export type TransitOperation = 'datakey/plaintext' | 'encrypt' | 'decrypt'

export interface CallOptions {
  /** Ends the call early, beside its own deadline. */
  readonly signal?: AbortSignal
  /** The call's own deadline; {@link callDeadlineMs} unless given. */
  readonly deadlineMs?: number
}

/**
 * The few calls to Vault that we make. Every one throws {@link VaultError} and nothing else, has a deadline, and
 * takes its token as an argument: the client holds none, so none can go stale in it.
 */
export interface VaultClient {
  /** `auth/<mount>/login` with the configured role. `secretId` is text in UTF-8, the caller's to wipe. */
  login(secretId: Uint8Array, options?: CallOptions): Promise<VaultGrant>
  /** `auth/token/renew-self`. `incrementSeconds` is what we ask for; Vault grants what the role allows. */
  renewSelf(token: string, incrementSeconds: number, options?: CallOptions): Promise<VaultGrant>
  /** `auth/token/lookup-self`: returns when the token lives; a dead one is refused with 403. */
  lookupSelf(token: string, options?: CallOptions): Promise<void>
  /** A transit call; returns the `data` of its answer, unchecked. The key's name must pass {@link isKeyName}. */
  transit(
    token: string,
    request: { readonly operation: TransitOperation; readonly keyName: string; readonly body: object },
    options?: CallOptions,
  ): Promise<Readonly<Record<string, unknown>>>
  /** Ends every connection, calls in flight included. Idempotent. */
  close(): Promise<void>
}

/** Of every call to Vault: long enough for a storage hiccup on its side, short enough for a client to retry. */
export const callDeadlineMs = 10_000

const keyNamePattern = /^[A-Za-z0-9][A-Za-z0-9_.-]*$/
/** A namespace goes into a header. */
const namespacePattern = /^[\x21-\x7e]+$/

/** Whether the name can be a transit key. Anything else would change the path that it is put into. */
export function isKeyName(name: string): boolean {
  return keyNamePattern.test(name)
}

/** Errors at creation: not-configured, for what can be told from the configuration alone. */
export function createVaultClient(
  config: VaultConfig,
  { deadlineMs: defaultDeadlineMs = callDeadlineMs }: { readonly deadlineMs?: number } = {},
): VaultClient {
  checkConfig(config)
  const transport = createVaultTransport(config)
  const vault = createNodeVault(config, transport.send)
  const { transitMount, appRoleMount } = config

  /** Headers are a fresh object each time: node-vault writes into the one that it gets. */
  const requestOptions = (
    token: string | undefined,
    { signal, deadlineMs = defaultDeadlineMs }: CallOptions,
  ) => ({
    headers: token === undefined ? {} : { 'X-Vault-Token': token },
    deadlineMs,
    ...(signal === undefined ? {} : { signal }),
  })
  const post = (path: string, body: object, token: string | undefined, options: CallOptions = {}) =>
    answered(path, vault.write(path, body, requestOptions(token, options)))

  return {
    async login(secretId, options) {
      const path = `auth/${appRoleMount}/login`
      const body = { role_id: config.roleId, secret_id: Buffer.from(secretId).toString('utf8') }
      return toGrant(path, await post(path, body, undefined, options))
    },
    async renewSelf(token, incrementSeconds, options) {
      const path = 'auth/token/renew-self'
      return toGrant(path, await post(path, { increment: incrementSeconds }, token, options))
    },
    async lookupSelf(token, options = {}) {
      const path = 'auth/token/lookup-self'
      await answered(path, vault.read(path, requestOptions(token, options)))
    },
    async transit(token, { operation, keyName, body }, options) {
      const path = `${transitMount}/${operation}/${keyName}`
      return toRecord(path, (await post(path, body, token, options)).data)
    },
    close: () => transport.close(),
  }
}

function checkConfig({ transitMount, appRoleMount, namespace }: VaultConfig): void {
  for (const mount of [transitMount, appRoleMount]) {
    if (!mount.split('/').every(isKeyName)) {
      throw new KmsError('not-configured', `"${mount}" is not a mount path of Vault`)
    }
  }
  if (namespace !== undefined && !namespacePattern.test(namespace)) {
    throw new KmsError('not-configured', 'the Vault namespace holds a character that no namespace has')
  }
}

/**
 * node-vault reads VAULT_ADDR, VAULT_TOKEN, VAULT_NAMESPACE, VAULT_PREFIX wherever an option is missing or empty, and
 * VAULT_SKIP_VERIFY always. So what may be empty is set once more on the made client, and the last one goes to
 * `defaults`, where it is dropped: TLS is the transport's. `debug` would print bodies.
 */
function createNodeVault(config: VaultConfig, send: (request: TransportRequest) => Promise<unknown>) {
  const vault = nodeVault({
    apiVersion: 'v1',
    endpoint: config.endpoint,
    debug: () => {},
    'request-promise': { defaults: () => send },
  })
  return Object.assign(vault, { token: '', pathPrefix: '', namespace: config.namespace ?? '' })
}

/** What node-vault resolves to is `any`: here it becomes a record or an error. */
async function answered(path: string, answer: Promise<unknown>): Promise<Readonly<Record<string, unknown>>> {
  try {
    const body = await answer
    return toRecord(path, body)
  } catch (error) {
    if (error instanceof VaultError) throw error
    // Only the transport knows our error; anything else is node-vault's own, and may hold what it was given.
    throw new VaultError({ kind: 'invalid-answer', call: path })
  }
}

function toGrant(path: string, { auth }: Readonly<Record<string, unknown>>): VaultGrant {
  const { client_token: token, lease_duration: leaseSeconds, renewable } = toRecord(path, auth)
  if (typeof token !== 'string' || !/^[\x21-\x7e]+$/.test(token)) throw invalid(path, 'no token')
  if (typeof leaseSeconds !== 'number' || !(leaseSeconds >= 0)) throw invalid(path, 'no lease')
  return { token, leaseSeconds, renewable: renewable === true }
}

function toRecord(path: string, value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalid(path, 'not an object')
  return { ...value }
}

function invalid(path: string, detail: string): VaultError {
  return new VaultError({ kind: 'invalid-answer', call: path, detail })
}
