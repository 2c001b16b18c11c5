import { isForbidden } from '../../session/session-lookup.ts'
import { readSecret } from '../../session/session-secret.ts'
import type { Check } from '../provider.ts'
import type { Patient } from './vault-doctor.ts'

const periodSecondsMin = 10

/** `-namespace=…` of the vault command, with a blank before it; empty without a namespace. */
export function namespaceFlag(namespace: string | undefined): string {
  return namespace === undefined || namespace === '' ? '' : ` -namespace=${namespace}`
}

/** Whether there is a token, how it was come by, and what stands in the way of the next one. */
export async function checkLogin({ config, session }: Patient): Promise<readonly Check[]> {
  const name = 'login'
  const { ready, state, reason, logins, loginsHalted, loginFailures, lastError } = session.status()
  if (ready && !loginsHalted) {
    const since = loginFailures === 0 ? '' : `, ${loginFailures} failed`
    const detail = `state ${state}, ${logins} ${logins === 1 ? 'login' : 'logins'}${since}; ${sourceOf(config.secretId)}`
    return [{ name, result: state === 'degraded' ? 'warning' : 'ok', detail, remedy: '' }]
  }
  const detail = loginsHalted ? reason : `state ${state}: ${reason || lastError}`
  return [{ name, result: 'failed', detail, remedy: loginRemedy(config) }]
}

/** In place of a login, which would leave control a wrapping token that is used up. */
export async function checkWrapping({ config, client, signal }: Patient): Promise<readonly Check[]> {
  const name = 'login'
  try {
    const token = await readSecret(config.secretId)
    await client.lookupWrapping(token, { signal }).finally(() => token.fill(0))
  } catch (error) {
    const detail = error instanceof Error ? error.message : 'unknown'
    return [{ name, result: 'failed', detail, remedy: loginRemedy(config) }]
  }
  const detail = `not tried, nor what comes after it: the wrapping token is good for one login, which is control's; ${sourceOf(config.secretId)}`
  return [{ name, result: 'skipped', detail, remedy: '' }]
}

function sourceOf(source: Patient['config']['secretId']): string {
  const where =
    source.kind === 'file' ? `the file ${source.path}` : 'the environment, so that a new one takes a restart'
  return `the ${source.wrapped === true ? 'wrapping token' : 'secret id'} comes from ${where}`
}

/** Vault says little of why it refuses, so all that it may be is looked at. */
function loginRemedy({ appRoleMount, secretId, ...config }: Patient['config']): string {
  const flag = namespaceFlag(config.loginNamespace ?? config.namespace)
  const role = `auth/${appRoleMount}/role/my-role`
  const wrap = secretId.wrapped === true ? ' -wrap-ttl=10m -field=wrapping_token' : ' -field=secret_id'
  const target = secretId.kind === 'file' ? ` > ${secretId.path}` : ''
  const after = secretId.kind === 'file' ? 'it is read again within seconds' : 'then restart with the new one'
  return [
    `vault auth list${flag}   # ${appRoleMount}/ must be there: else SEALGATE_KMS_VAULT_APPROLE_MOUNT or SEALGATE_KMS_VAULT_LOGIN_NAMESPACE is wrong`,
    `vault read${flag} ${role}/role-id   # must be the configured role id`,
    `vault read${flag} ${role}   # secret_id_bound_cidrs, where it is set, must hold this machine's address`,
    `vault write${flag}${wrap} -f ${role}/secret-id${target}   # ${after}`,
  ].join('\n')
}

/** Whether the token can live as long as we do. */
export async function checkToken({ config, client, session, signal }: Patient): Promise<readonly Check[]> {
  const name = 'token'
  let token: Readonly<Record<string, unknown>>
  try {
    token = await session.run((value) => client.lookupSelf(value, { signal }), signal)
  } catch (error) {
    if (isForbidden(error) && session.status().ready) {
      if (await isUseless({ config, client, session, signal })) return [uselessToken(config)]
      const detail =
        'it may not look at itself, nor renew itself: the role leaves out the policy default, and a login takes the place of each renewal'
      return [{ name, result: 'skipped', detail, remedy: '' }]
    }
    const detail = error instanceof Error ? error.message : 'unknown'
    return [{ name, result: 'failed', detail, remedy: loginRemedy(config) }]
  }
  const { ttl, period, renewable, num_uses: uses, policies, type } = token
  const write = (setting: string) =>
    `vault write${namespaceFlag(config.loginNamespace ?? config.namespace)} auth/${config.appRoleMount}/role/${roleName(token)} ${setting}`
  const findings: Check[] = []
  const warn = (detail: string, remedy: string) => findings.push({ name, result: 'warning', detail, remedy })
  if (typeof uses === 'number' && uses > 0) {
    warn(`it ends after ${uses} more calls, each end costs a login`, write('token_num_uses=0'))
  }
  if (typeof period !== 'number' || period === 0) {
    const kind =
      renewable === true ? 'has no period: it ends at its maximal life' : `(${type}) cannot be renewed`
    warn(`it ${kind}, so a login is planned before each end`, write('period=5m'))
  } else if (period < periodSecondsMin) {
    warn(`its period of ${period} s leaves no time for a failed renewal`, write('period=5m'))
  }
  if (Array.isArray(policies) && policies.includes('root')) {
    warn('it has the policy root: grant what is needed and nothing more', write('policies=minio-policy'))
  }
  const detail = `${Number(ttl)} s left${typeof period === 'number' ? `, period ${period} s` : ''}, policies ${Array.isArray(policies) ? policies.join(', ') : 'unknown'}`
  return findings.length > 0 ? findings : [{ name, result: 'ok', detail, remedy: '' }]
}

/** Whether the token may not even do what its policy is for. */
async function isUseless({
  config,
  client,
  session,
  signal,
}: Pick<Patient, 'config' | 'client' | 'session' | 'signal'>): Promise<boolean> {
  const request = { operation: 'decrypt', keyName: config.keyName, body: {} } as const
  return session
    .run((token) => client.transit(token, request, { signal }), signal)
    .then(() => false, isForbidden)
}

function uselessToken(config: Patient['config']): Check {
  const flag = namespaceFlag(config.loginNamespace ?? config.namespace)
  return {
    name: 'token',
    result: 'failed',
    detail: 'vault gives it out and takes no call with it: it is bound to other addresses, or has no policy',
    remedy: `vault read${flag} auth/${config.appRoleMount}/role/my-role   # token_bound_cidrs, where it is set, must hold this machine's address; token_policies must name what grants the key`,
  }
}

function roleName({ meta }: Readonly<Record<string, unknown>>): string {
  const known = typeof meta === 'object' && meta !== null && 'role_name' in meta ? meta.role_name : undefined
  return typeof known === 'string' ? known : 'my-role'
}
