import { AppRole } from './approle.ts'
import { capabilitiesOn, defaultPolicy, type Policy, parsePolicy } from './policy.ts'
import { integer, names, oneError, Refusal, type Reply, text, toReply, type VaultRequest } from './reply.ts'
import { type TokenEntry, TokenStore } from './tokens.ts'
import { Transit, type TransitOptions } from './transit.ts'
import { Wrapping } from './wrapping.ts'

type Engine = AppRole | Transit

interface Namespace {
  /** Keys are mount paths: `auth/approle`, `transit`. */
  readonly mounts: Map<string, Engine>
  readonly policies: Map<string, Policy>
}

export interface CoreRequest extends VaultRequest {
  readonly token: string
  /** Without slashes at the ends; empty for the root namespace. */
  readonly namespace: string
  readonly query?: Readonly<Record<string, string>>
  /** Above 0 the answer is put away, and a token for it is given instead. */
  readonly wrapSeconds?: number
}

/** The simulated Vault without its HTTP: what is asked, by whom, may they, and what is the answer. */
export class VaultCore {
  readonly tokens: TokenStore
  readonly rootToken: string
  sealed = false
  readonly #now: () => number
  readonly #options: TransitOptions
  readonly #namespaces = new Map<string, Namespace>()
  readonly #wrapping: Wrapping

  constructor(now: () => number, options: TransitOptions) {
    this.#now = now
    this.#options = options
    this.tokens = new TokenStore(now)
    this.#wrapping = new Wrapping(now)
    const limits = { ttlSeconds: 0, maxTtlSeconds: 0, periodSeconds: 0, uses: 0 }
    const root = { policies: ['root'], namespace: '', renewable: false, meta: {}, ...limits }
    this.rootToken = this.tokens.create(root).token
    this.#addNamespace('')
  }

  handle(request: CoreRequest): Reply {
    try {
      const reply = this.#answer(request)
      return request.wrapSeconds ? this.#wrapping.wrap(reply, request.path, request.wrapSeconds) : reply
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      return { status: error.status, body: { errors: error.message === '' ? [] : [error.message] } }
    }
  }

  appRole(namespace = '', mount = 'approle'): AppRole {
    const engine = this.#namespaces.get(namespace)?.mounts.get(`auth/${mount}`)
    if (!(engine instanceof AppRole)) throw new Error(`no approle at ${mount}`)
    return engine
  }

  #addNamespace(name: string): void {
    if (this.#namespaces.has(name)) return
    this.#namespaces.set(name, { mounts: new Map(), policies: new Map([['default', defaultPolicy]]) })
  }

  #answer(request: CoreRequest): Reply {
    const { path } = request
    if (path === 'sys/health') return { status: this.#healthStatus(request.query), body: this.#health() }
    if (path === 'sys/seal-status') return { status: 200, body: { type: 'shamir', ...this.#health() } }
    if (this.sealed) throw new Refusal(503, 'Vault is sealed')
    if (path === 'sys/wrapping/lookup') return this.#wrapping.lookup(text(request.body, 'token'))
    if (path === 'sys/wrapping/unwrap') return this.#wrapping.unwrap(request.token)
    const namespace = this.#namespaces.get(request.namespace)
    if (namespace === undefined) throw noRoute(`${request.namespace}/${path}`)
    const mount = findMount(namespace, path)
    if (mount !== undefined && path === `${mount.path}/login`) return this.#forward(mount, request)
    if (request.token === '') throw new Refusal(403, 'permission denied')
    const token = this.tokens.use(request.token)
    this.#authorize(token, namespace, mount, request)
    if (mount !== undefined) return this.#forward(mount, request)
    return toReply(this.#system(token, namespace, request))
  }

  #healthStatus({ sealedcode = '503' }: Readonly<Record<string, string>> = {}): number {
    return this.sealed ? Number(sealedcode) : 200
  }

  #health(): object {
    const server_time_utc = Math.floor(Date.now() / 1000)
    return {
      initialized: true,
      sealed: this.sealed,
      standby: this.sealed,
      version: 'simulator',
      server_time_utc,
    }
  }

  #authorize(token: TokenEntry, namespace: Namespace, mount: Mount | undefined, request: CoreRequest): void {
    if (token.policies.includes('root')) return
    const allowed = this.#capabilities(token, namespace, request.path)
    if (token.namespace !== request.namespace || !allowed.includes(capabilityOf(request, mount))) {
      throw new Refusal(403, oneError('permission denied'))
    }
  }

  #capabilities(token: TokenEntry, namespace: Namespace, path: string): string[] {
    if (token.policies.includes('root')) return ['root']
    const policies = token.policies.flatMap((name) => namespace.policies.get(name) ?? [])
    return capabilitiesOn(path, policies)
  }

  #forward({ path, engine }: Mount, request: CoreRequest): Reply {
    return toReply(engine.handle({ ...request, path: request.path.slice(path.length + 1) }))
  }

  #system(token: TokenEntry, namespace: Namespace, request: CoreRequest) {
    const { method, path, body } = request
    const [, kind = '', name = ''] =
      /^sys\/(auth|mounts|policies\/acl|policy|namespaces)\/(.+?)\/?$/.exec(path) ?? []
    switch (kind) {
      case 'auth':
        return mountEngine(namespace, `auth/${name}`, new AppRole(this.tokens, request.namespace, this.#now))
      case 'mounts':
        return mountEngine(namespace, name, new Transit(this.#options))
      case 'policy':
      case 'policies/acl':
        return writePolicy(namespace, name, text(body, 'policy'))
      case 'namespaces':
        this.#addNamespace(name)
        return { data: { path: `${name}/` } }
      default:
        return this.#tokenCall(token, namespace, `${method === 'GET' ? 'GET' : 'POST'} ${path}`, body)
    }
  }

  #tokenCall(token: TokenEntry, namespace: Namespace, call: string, body: VaultRequest['body']) {
    switch (call) {
      case 'GET auth/token/lookup-self':
        return { data: this.tokens.describe(token) }
      case 'POST auth/token/renew-self':
        return { auth: this.tokens.grant(this.tokens.renew(token, integer(body, 'increment'))) }
      case 'POST auth/token/revoke-self':
        this.tokens.revoke(token.token)
        return undefined
      case 'POST sys/capabilities-self': {
        const found = names(body, 'paths').map((path) => [path, this.#capabilities(token, namespace, path)])
        return { data: Object.fromEntries(found) }
      }
      default:
        throw noRoute(call.split(' ')[1] ?? '')
    }
  }
}

interface Mount {
  readonly path: string
  readonly engine: Engine
}

function findMount({ mounts }: Namespace, path: string): Mount | undefined {
  for (const [mount, engine] of mounts) if (path.startsWith(`${mount}/`)) return { path: mount, engine }
  return undefined
}

/** A write is an update, but where it makes a transit key by encrypting under a name that has none. */
function capabilityOf({ method, path }: CoreRequest, mount: Mount | undefined): string {
  if (method === 'GET') return 'read'
  if (method === 'LIST') return 'list'
  if (method === 'DELETE') return 'delete'
  if (!(mount?.engine instanceof Transit)) return 'update'
  const [operation, name = ''] = path.slice(mount.path.length + 1).split('/')
  return operation === 'encrypt' && !mount.engine.has(name) ? 'create' : 'update'
}

function mountEngine({ mounts }: Namespace, path: string, engine: Engine): undefined {
  if (mounts.has(path)) throw new Refusal(400, `path is already in use at ${path.replace(/^auth\//, '')}/`)
  mounts.set(path, engine)
  return undefined
}

function writePolicy({ policies }: Namespace, name: string, hcl: string): undefined {
  const policy = parsePolicy(hcl)
  if (policy === undefined) throw new Refusal(400, 'failed to parse policy')
  policies.set(name, policy)
  return undefined
}

function noRoute(path: string): Refusal {
  return new Refusal(404, `no handler for route "${path}". route entry not found.`)
}
