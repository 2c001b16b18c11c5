/** What the simulated Vault answers: `data` and `auth` inside the usual frame, or the errors with their status. */
export interface Reply {
  readonly status: number
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** A request as the simulator's parts see it; `path` has no `/v1/` and no namespace. */
export interface VaultRequest {
  readonly method: string
  readonly path: string
  readonly body: Readonly<Record<string, unknown>>
}

/** A refusal in Vault's own words. */
export class Refusal extends Error {
  readonly status: number
  constructor(status: number, text: string) {
    super(text)
    this.status = status
  }
}

/** How Vault prints an error that its core, rather than a plugin, came upon. */
export function oneError(text: string): string {
  return `1 error occurred:\n\t* ${text}\n\n`
}

export function toReply(value: { data?: unknown; auth?: unknown } | undefined): Reply {
  if (value === undefined) return { status: 204 }
  const frame = { request_id: crypto.randomUUID(), lease_id: '', renewable: false, lease_duration: 0 }
  const { data = null, auth = null } = value
  return { status: 200, body: { ...frame, data, wrap_info: null, warnings: null, auth } }
}

export function text(body: Readonly<Record<string, unknown>>, name: string): string {
  const value = body[name]
  return typeof value === 'string' ? value : value === undefined || value === null ? '' : String(value)
}

export function integer(body: Readonly<Record<string, unknown>>, name: string): number {
  const value = Number(text(body, name) || 0)
  if (!Number.isInteger(value)) throw new Refusal(400, `error converting input for field "${name}"`)
  return value
}

/** `5m`, `2s`, `1h`, or seconds. */
export function seconds(body: Readonly<Record<string, unknown>>, name: string): number {
  const match = /^(\d+)([smh]?)$/.exec(text(body, name) || '0')
  if (match === null) throw new Refusal(400, `error converting input for field "${name}"`)
  const unit = { s: 1, m: 60, h: 3600 }[match[2] ?? ''] ?? 1
  return Number(match[1]) * unit
}

/** A list, or names parted by commas. */
export function names(body: Readonly<Record<string, unknown>>, name: string): string[] {
  const value = body[name]
  const list = Array.isArray(value) ? value.map(String) : text(body, name).split(',')
  return list.map((item) => item.trim()).filter((item) => item !== '')
}
