import type { VaultGrant } from '../../../control/providers/vault/vault-client.ts'
import { VaultError } from '../../../control/providers/vault/vault-error.ts'
import { Session, type SessionClient } from '../../../control/session/session.ts'
import { ManualClock } from './manual-clock.ts'

const secretId = { kind: 'value', value: new TextEncoder().encode('secret') } as const
export const refusal = (status: number) => new VaultError({ kind: 'refused', call: 'POST /v1/x', status })
export const unreachable = () =>
  new VaultError({ kind: 'network', call: 'POST /v1/x', detail: 'ECONNREFUSED' })

/** A Vault of three functions, and when they were called. */
export class FakeVault implements SessionClient {
  readonly loginsAtMs: number[] = []
  readonly renewals: { atMs: number; increment: number }[] = []
  readonly clock: ManualClock
  lookups = 0
  onLogin: (count: number) => VaultGrant | VaultError = (count) => grant(`token ${count}`, 300)
  onRenew: (count: number) => VaultGrant | VaultError = () => grant('renewed', 300)
  onLookup: (token: string) => VaultError | undefined = () => undefined
  onUseKey: (token: string) => VaultError | undefined = (token) => this.onLookup(token) ?? refusal(400)

  constructor(clock: ManualClock) {
    this.clock = clock
  }

  async login(): Promise<VaultGrant> {
    this.loginsAtMs.push(this.clock.steadyMs())
    return orThrow(this.onLogin(this.loginsAtMs.length))
  }

  async renewSelf(token: string, increment: number): Promise<VaultGrant> {
    this.renewals.push({ atMs: this.clock.steadyMs(), increment })
    return { ...orThrow(this.onRenew(this.renewals.length)), token }
  }

  async unwrapSecretId(): Promise<Uint8Array> {
    throw new Error('there is nothing to unwrap')
  }

  async lookupSelf(token: string): Promise<void> {
    this.lookups++
    const error = this.onLookup(token)
    if (error !== undefined) throw error
  }

  async useKey(token: string): Promise<void> {
    const error = this.onUseKey(token)
    if (error !== undefined) throw error
  }
}

export function grant(token: string, leaseSeconds: number, renewable = true): VaultGrant {
  return { token, leaseSeconds, renewable }
}

function orThrow(result: VaultGrant | VaultError): VaultGrant {
  if (result instanceof VaultError) throw result
  return result
}

/** A session of a fake Vault on a clock that stands still. */
export function setUp(chance = 0) {
  const clock = new ManualClock(chance)
  const vault = new FakeVault(clock)
  const lines: string[] = []
  const line = (level: string) => (_: unknown, text?: string) => {
    lines.push(`${level} ${text ?? ''}`)
  }
  const log = { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') }
  const session = new Session({ client: vault, secretId, log, clock })
  return { clock, vault, session, lines }
}

/** A call that shows with which token it was made. */
export const echo = async (token: string): Promise<string> => token

/** The pauses between the logins. */
export function gapsOf({ loginsAtMs }: FakeVault): readonly number[] {
  return loginsAtMs.slice(1).map((atMs, index) => atMs - (loginsAtMs[index] ?? 0))
}
