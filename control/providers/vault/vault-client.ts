import nodeVault from 'node-vault'
import type { VaultConfig } from '../../config.ts'
import { KmsError } from '../../errors.ts'
import { isKeyId } from '../../key-ids.ts'
import { VaultError } from './vault-error.ts'
import { isMount, isNamespace } from './vault-names.ts'
import { createVaultTransport, type TransportRequest } from './vault-transport.ts'

/** A token as a login or a renewal grants it. */
export interface VaultGrant {
  readonly token: string
  /** How long the token lives from now, unless renewed; 0 for ever. */
  readonly leaseSeconds: number
  readonly renewable: boolean
}

export type TransitOperation = 'datakey/plaintext' | 'encrypt' | 'decrypt' | 'rewrap'

/** Which of the configured namespaces a call is made in: the role's, the keys', or none. */
export type VaultScope = 'login' | 'keys' | 'server'

/** A call that only operators' commands make. */
export interface VaultRequest {
  readonly method: 'GET' | 'POST' | 'LIST'
  /** Without `/v1/` and in no need of escaping. */
  readonly path: string
  readonly scope: VaultScope
  readonly body?: object
}

export interface CallOptions {
  /** Ends the call early, beside its own deadline. */
  readonly signal?: AbortSignal
  /** The call's own deadline; {@link callDeadlineMs} unless given. That of a login or renewal is {@link sessionDeadlineMs} at most. */
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
  /** `auth/token/lookup-self`: the token's properties when it lives; a dead one is refused with 403. */
  lookupSelf(token: string, options?: CallOptions): Promise<Readonly<Record<string, unknown>>>
  /**
   * What a response-wrapping token was made for, without using it up. The token must have been made by
   * `auth/<mount>/role/<any>/secret-id`: any other one was slipped in.
   */
  lookupWrapping(wrappingToken: Uint8Array, options?: CallOptions): Promise<Readonly<Record<string, unknown>>>
  /**
   * The secret id that a response-wrapping token stands for, the caller's to wipe. The token is looked up before, and works
   * once.
   */
  unwrapSecretId(wrappingToken: Uint8Array, options?: CallOptions): Promise<Uint8Array>
  /** A transit call; returns the `data` of its answer, unchecked. The key's name must pass {@link isKeyId}: anything else would change the path. */
  transit(
    token: string,
    request: { readonly operation: TransitOperation; readonly keyName: string; readonly body: object },
    options?: CallOptions,
  ): Promise<Readonly<Record<string, unknown>>>
  /** Any other call; returns the `data` of its answer, unchecked, and an empty record where there is none. */
  request(
    token: string | undefined,
    request: VaultRequest,
    options?: CallOptions,
  ): Promise<Readonly<Record<string, unknown>>>
  /** `sys/health`, which needs no token and no namespace, and answers whatever state the server is in. */
  health(options?: CallOptions): Promise<Readonly<Record<string, unknown>>>
  /** `sys/leader`, likewise: which node of several is the active one. */
  leader(options?: CallOptions): Promise<Readonly<Record<string, unknown>>>
  /** Ends every connection, calls in flight included. Idempotent. */
  close(): Promise<void>
}

/** Of a call that somebody waits for: shorter than the deadline of the service's own clients, so that they hear what is wrong. */
const callDeadlineMs = 4_000
/** Of logins and renewals, which nobody waits for and which Vault has to write down. */
const sessionDeadlineMs = 10_000

/** Errors at creation: not-configured, for what can be told from the configuration alone. */
export function createVaultClient(
  config: VaultConfig,
  { deadlineMs: givenDeadlineMs }: { readonly deadlineMs?: number } = {},
): VaultClient {
  checkConfig(config)
  const transport = createVaultTransport(config)
  const vault = createNodeVault(config, transport.send)
  const { transitMount, appRoleMount } = config
  const namespaces = {
    login: config.loginNamespace ?? config.namespace ?? '',
    keys: config.namespace ?? '',
    server: '',
  }

  /** Headers are a fresh object each time: node-vault writes into the one that it gets. */
  const requestOptions = (
    token: string | undefined,
    scope: VaultScope,
    { signal, deadlineMs = givenDeadlineMs ?? callDeadlineMs }: CallOptions,
  ) => ({
    headers: {
      ...(token === undefined ? {} : { 'X-Vault-Token': token }),
      ...(namespaces[scope] === '' ? {} : { 'X-Vault-Namespace': namespaces[scope] }),
    },
    deadlineMs,
    ...(signal === undefined ? {} : { signal }),
  })

  /** A whole answer. */
  const call = (
    token: string | undefined,
    { method, path, scope, body = {} }: VaultRequest,
    options: CallOptions = {},
  ): Promise<Readonly<Record<string, unknown>>> => {
    const settings = requestOptions(token, scope, options)
    if (method === 'POST') return answered(path, vault.write(path, body, settings))
    return answered(path, method === 'GET' ? vault.read(path, settings) : vault.list(path, settings))
  }

  /** A deadline that is given can only be shorter. */
  const patiently = ({ deadlineMs = Number.POSITIVE_INFINITY, ...options }: CallOptions = {}) => ({
    ...options,
    deadlineMs: Math.min(deadlineMs, givenDeadlineMs ?? sessionDeadlineMs),
  })

  const lookupWrapping: VaultClient['lookupWrapping'] = async (wrappingToken, options) => {
    const body = { token: toText(wrappingToken) }
    const lookup = { method: 'POST', path: 'sys/wrapping/lookup', scope: 'login', body } as const
    const found = toRecord(lookup.path, (await call(undefined, lookup, patiently(options))).data)
    requireSecretIdPath(found.creation_path, appRoleMount)
    return found
  }

  return {
    async login(secretId, options) {
      const path = `auth/${appRoleMount}/login`
      const body = { role_id: config.roleId, secret_id: toText(secretId) }
      const request = { method: 'POST', path, scope: 'login', body } as const
      return toGrant(path, await call(undefined, request, patiently(options)))
    },
    async renewSelf(token, increment, options) {
      const path = 'auth/token/renew-self'
      const request = { method: 'POST', path, scope: 'login', body: { increment } } as const
      return toGrant(path, await call(token, request, patiently(options)))
    },
    async lookupSelf(token, options) {
      const path = 'auth/token/lookup-self'
      return toRecord(path, (await call(token, { method: 'GET', path, scope: 'login' }, options)).data)
    },
    lookupWrapping,
    async unwrapSecretId(wrappingToken, options) {
      await lookupWrapping(wrappingToken, options)
      const token = toText(wrappingToken)
      const unwrap = { method: 'POST', path: 'sys/wrapping/unwrap', scope: 'login' } as const
      const { secret_id: secretId } = toRecord(
        unwrap.path,
        (await call(token, unwrap, patiently(options))).data,
      )
      if (typeof secretId !== 'string' || secretId === '') throw invalid(unwrap.path, 'no secret id')
      return new TextEncoder().encode(secretId)
    },
    async transit(token, { operation, keyName, body }, options) {
      const path = `${transitMount}/${operation}/${keyName}`
      return toRecord(path, (await call(token, { method: 'POST', path, scope: 'keys', body }, options)).data)
    },
    async request(token, request, options) {
      return toRecord(request.path, (await call(token, request, options)).data ?? {})
    },
    health(options) {
      return call(undefined, { method: 'GET', path: healthPath, scope: 'server' }, options)
    },
    leader(options) {
      return call(undefined, { method: 'GET', path: 'sys/leader', scope: 'server' }, options)
    },
    close: () => transport.close(),
  }
}

/** Whatever the server's state, it is to be told by the body and not by the status. */
const healthPath =
  'sys/health?standbyok=true&perfstandbyok=true&sealedcode=200&uninitcode=200&drsecondarycode=200'

function checkConfig({ transitMount, appRoleMount, namespace, loginNamespace }: VaultConfig): void {
  for (const mount of [transitMount, appRoleMount]) {
    if (!isMount(mount)) {
      throw new KmsError('not-configured', `"${mount}" is not a mount path of Vault`)
    }
  }
  for (const name of [namespace, loginNamespace]) {
    if (name !== undefined && !isNamespace(name)) {
      throw new KmsError('not-configured', 'the Vault namespace holds a character that no namespace has')
    }
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
    // LIST is not a method that every proxy lets through.
    noCustomHTTPVerbs: true,
    'request-promise': { defaults: () => send },
  })
  // Namespaces differ from call to call, so they are among the headers of each.
  return Object.assign(vault, { token: '', pathPrefix: '', namespace: '' })
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

function toText(secret: Uint8Array): string {
  return Buffer.from(secret.buffer, secret.byteOffset, secret.length).toString('utf8')
}

/** Vault writes the path with the namespace before it, where there is one. */
function requireSecretIdPath(creationPath: unknown, appRoleMount: string): void {
  const end = new RegExp(`(^|/)auth/${appRoleMount.replaceAll('.', '\\.')}/role/[^/]+/secret-id$`)
  if (typeof creationPath === 'string' && end.test(creationPath)) return
  throw invalid('sys/wrapping/lookup', 'the wrapping token was not made for a secret id of this mount')
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
