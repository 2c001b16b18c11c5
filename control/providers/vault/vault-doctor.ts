import type { VaultConfig } from '../../config.ts'
import type { Session } from '../../session/session.ts'
import type { Clock } from '../../session/session-clock.ts'
import type { Check } from '../provider.ts'
import type { VaultClient } from './vault-client.ts'
import { checkKey } from './vault-doctor-key.ts'
import { checkLogin, checkToken, checkWrapping } from './vault-doctor-login.ts'
import { checkCapabilities } from './vault-doctor-policy.ts'
import { checkReach } from './vault-doctor-reach.ts'
import { VaultError } from './vault-error.ts'

/** What the examination is made with. */
export interface Patient {
  readonly config: VaultConfig
  readonly client: VaultClient
  readonly session: Session
  /** Whether the session logs in; one that was not started leaves a wrapped secret id as it is. */
  readonly started: boolean
  readonly clock: Clock
  readonly signal: AbortSignal
}

/** How far the two clocks may be apart before certificates and signatures begin to suffer. */
const skewMsMax = 30_000

/**
 * Looks at everything that encrypting needs of Vault, in the order in which it is needed; after what makes the rest
 * pointless the rest is skipped. It logs in no more often than the session does by itself: a doctor that locks the
 * role out would be none. Nor does it unwrap a secret id, which works once. Never throws.
 */
export async function diagnoseVault(patient: Patient): Promise<readonly Check[]> {
  const checks: Check[] = []
  const { started, config } = patient
  const untouched = !started && config.secretId.wrapped === true
  const withSession = [checkLogin, checkToken, checkCapabilities, checkKey]
  for (const stage of [checkReach, checkServer, ...(untouched ? [checkWrapping] : withSession)]) {
    if (checks.some(({ result }) => result === 'failed')) break
    checks.push(...(await stage(patient)))
  }
  return checks
}

/** Sealed or not, and what time it is there. */
async function checkServer({ client, config, clock, signal }: Patient): Promise<readonly Check[]> {
  const name = 'server'
  let health: Readonly<Record<string, unknown>>
  try {
    health = await client.health({ signal })
  } catch (error) {
    const detail = error instanceof Error ? error.message : 'unknown'
    const remedy = answererRemedy(config.endpoint, error)
    return [{ name, result: 'failed', detail, remedy }]
  }
  const { initialized, sealed, standby, version } = health
  if (initialized === false) {
    const remedy = `vault operator init -address=${config.endpoint}`
    return [{ name, result: 'failed', detail: 'vault is not initialized', remedy }]
  }
  if (sealed === true) {
    const remedy = `vault operator unseal -address=${config.endpoint}`
    return [{ name, result: 'failed', detail: 'vault is sealed', remedy }]
  }
  if (standby === true && (await lacksActiveNode({ client, signal }))) {
    const remedy = `vault status -address=${config.endpoint}   # until it names an active node: start and unseal the other nodes`
    return [{ name, result: 'failed', detail: 'vault is a standby, and no node is active', remedy }]
  }
  const role = standby === true ? 'a standby, which hands calls on to the active node' : 'active'
  const detail = `version ${typeof version === 'string' ? version : 'unknown'}, unsealed, ${role}`
  return [{ name, result: 'ok', detail, remedy: '' }, checkClock(health.server_time_utc, clock.wallMs())]
}

/** What is not known is not held against it: the login that comes next tells. */
async function lacksActiveNode({ client, signal }: Pick<Patient, 'client' | 'signal'>): Promise<boolean> {
  try {
    return (await client.leader({ signal })).leader_address === ''
  } catch (error) {
    if (error instanceof VaultError) return false
    throw error
  }
}

function answererRemedy(endpoint: string, error: unknown): string {
  // What Go's server says to plain HTTP on a port with TLS.
  if (endpoint.startsWith('http:') && error instanceof VaultError && error.status === 400) {
    return `export SEALGATE_KMS_VAULT_ENDPOINT=${endpoint.replace('http:', 'https:')}   # it seems to speak TLS`
  }
  return `curl ${endpoint}/v1/sys/health   # shows who answers there: it should be Vault itself`
}

function checkClock(serverSeconds: unknown, nowMs: number): Check {
  const name = 'clock'
  if (typeof serverSeconds !== 'number')
    return { name, result: 'skipped', detail: 'vault tells no time', remedy: '' }
  const skewMs = Math.round(Math.abs(serverSeconds * 1000 - nowMs))
  if (skewMs <= skewMsMax) {
    const detail = `less than ${skewMsMax / 1000} s apart from vault's`
    return { name, result: 'ok', detail, remedy: '' }
  }
  return {
    name,
    result: 'warning',
    detail: `${Math.round(skewMs / 1000)} s apart from vault's: certificates and request signatures suffer first`,
    remedy: 'timedatectl set-ntp true   # on both machines',
  }
}
