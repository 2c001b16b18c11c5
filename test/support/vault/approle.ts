import { randomUUID } from 'node:crypto'
import { integer, names, Refusal, seconds, text, type VaultRequest } from './reply.ts'
import type { TokenStore } from './tokens.ts'

interface SecretId {
  readonly accessor: string
  readonly expiresAtMs: number
  /** 0 for no limit. */
  usesLeft: number
}

interface Role {
  readonly roleId: string
  readonly settings: Record<string, unknown>
  readonly secretIds: Map<string, SecretId>
}

/** An AppRole mount: roles, their secret ids, and the login. */
export class AppRole {
  readonly #tokens: TokenStore
  readonly #namespace: string
  readonly #now: () => number
  readonly #roles = new Map<string, Role>()

  constructor(tokens: TokenStore, namespace: string, now: () => number) {
    this.#tokens = tokens
    this.#namespace = namespace
    this.#now = now
  }

  handle({ method, path, body }: VaultRequest): { data?: unknown; auth?: unknown } | undefined {
    if (path === 'login') return { auth: this.#login(text(body, 'role_id'), text(body, 'secret_id')) }
    const [, name = '', leaf] = /^role\/([^/]+)(?:\/(role-id|secret-id))?$/.exec(path) ?? []
    if (name === '') throw new Refusal(404, `no handler for route "${path}". route entry not found.`)
    if (leaf === undefined && method !== 'GET') return this.#write(name, body)
    const role = this.#roles.get(name)
    if (role === undefined)
      throw new Refusal(404, leaf === 'secret-id' ? `role "${name}" does not exist` : '')
    if (leaf === undefined) return { data: role.settings }
    if (leaf === 'role-id') return { data: { role_id: role.roleId } }
    return { data: this.#issue(role, body) }
  }

  /** Ends every secret id of the role: what an operator does who rotates it. */
  revokeSecretIds(name: string): void {
    this.#roles.get(name)?.secretIds.clear()
  }

  /** A later write changes what it names and leaves the rest, as the quickstart's two writes need. */
  #write(name: string, body: Readonly<Record<string, unknown>>): undefined {
    const known = this.#roles.get(name)
    const settings = { ...known?.settings, ...body }
    const role = { roleId: known?.roleId ?? randomUUID(), secretIds: known?.secretIds ?? new Map(), settings }
    for (const field of ['period', 'token_period', 'token_ttl', 'token_max_ttl']) seconds(settings, field)
    this.#roles.set(name, role)
    return undefined
  }

  #issue({ settings, secretIds }: Role, body: Readonly<Record<string, unknown>>): object {
    const secretId = randomUUID()
    const accessor = randomUUID()
    const ttl = seconds(body, 'ttl') || seconds(settings, 'secret_id_ttl')
    const uses = integer(settings, 'secret_id_num_uses')
    const expiresAtMs = ttl > 0 ? this.#now() + ttl * 1000 : Number.POSITIVE_INFINITY
    secretIds.set(secretId, { accessor, expiresAtMs, usesLeft: uses })
    return { secret_id: secretId, secret_id_accessor: accessor, secret_id_num_uses: uses, secret_id_ttl: ttl }
  }

  #login(roleId: string, secretId: string): object {
    if (roleId === '') throw new Refusal(500, 'failed to determine alias name from login request')
    const [name, role] = [...this.#roles].find(([, candidate]) => candidate.roleId === roleId) ?? []
    if (name === undefined || role === undefined) throw new Refusal(400, 'invalid role or secret ID')
    if (secretId === '') throw new Refusal(400, 'missing secret_id')
    const issued = role.secretIds.get(secretId)
    if (issued === undefined || issued.expiresAtMs <= this.#now()) {
      throw new Refusal(400, 'invalid role or secret ID')
    }
    if (issued.usesLeft === 1) role.secretIds.delete(secretId)
    else if (issued.usesLeft > 1) issued.usesLeft--
    return this.#tokens.grant(this.#createToken(name, role.settings))
  }

  #createToken(name: string, settings: Readonly<Record<string, unknown>>) {
    const own = [...names(settings, 'token_policies'), ...names(settings, 'policies')]
    const implied = text(settings, 'token_no_default_policy') === 'true' ? [] : ['default']
    return this.#tokens.create({
      policies: [...new Set([...implied, ...own])].sort(),
      namespace: this.#namespace,
      ttlSeconds: seconds(settings, 'token_ttl'),
      maxTtlSeconds: seconds(settings, 'token_max_ttl'),
      periodSeconds: seconds(settings, 'token_period') || seconds(settings, 'period'),
      renewable: text(settings, 'token_type') !== 'batch',
      uses: integer(settings, 'token_num_uses'),
      meta: { role_name: name },
    })
  }
}
