import { isForbidden } from '../../session/session-lookup.ts'
import type { Check } from '../provider.ts'
import type { Patient } from './vault-doctor.ts'
import { namespaceFlag } from './vault-doctor-login.ts'
import { grant, neededPaths } from './vault-policy.ts'

/** Each capability that is needed, by asking Vault for what the token has. */
export async function checkCapabilities(patient: Patient): Promise<readonly Check[]> {
  const { config, client, session, signal } = patient
  const needed = neededPaths(config.transitMount, config.keyName)
  const rewrap = `${config.transitMount}/rewrap/${config.keyName}`
  const request = {
    method: 'POST',
    path: 'sys/capabilities-self',
    scope: 'keys',
    body: { paths: [...needed, rewrap] },
  } as const
  let granted: Readonly<Record<string, unknown>>
  try {
    granted = await session.run((token) => client.request(token, request, { signal }), signal)
  } catch (error) {
    const detail = `vault does not tell what is granted: ${error instanceof Error ? error.message : 'unknown'}`
    const remedy = isForbidden(error) ? grant('sys/capabilities-self', ['update']) : ''
    return [{ name: 'policy', result: 'skipped', detail, remedy }]
  }
  const policy = await policyName(patient)
  const checks = needed.map((path) => checkPath({ path, granted: granted[path], policy, config }))
  return [...checks, checkRewrap(rewrap, granted[rewrap])]
}

/** A matter of taste: told, and nothing to mend. */
function checkRewrap(path: string, granted: unknown): Check {
  const capable = Array.isArray(granted) && (granted.includes('update') || granted.includes('root'))
  const detail = capable
    ? `${path} is granted: vault seals data keys anew after a rotation`
    : `${path} is not granted, nor needed: after a rotation control seals data keys anew by decrypting and encrypting`
  return { name: 'policy', result: 'ok', detail, remedy: '' }
}

interface PathFinding {
  readonly path: string
  readonly granted: unknown
  readonly policy: string
  readonly config: Patient['config']
}

function checkPath({ path, granted, policy, config }: PathFinding): Check {
  const name = 'policy'
  const capabilities = Array.isArray(granted) ? granted.filter((item) => typeof item === 'string') : []
  const flag = namespaceFlag(config.namespace)
  const edit = `vault policy read${flag} ${policy} > policy.hcl   # edit it as below, then: vault policy write${flag} ${policy} policy.hcl`
  if (!capabilities.includes('update') && !capabilities.includes('root')) {
    const detail = `${path} is not granted (${capabilities.join(', ')})`
    return { name, result: 'failed', detail, remedy: `${edit}\n${grant(path, ['update'])}` }
  }
  // Encrypting under a name without a key makes that key, where it is allowed: a misspelt name would become one.
  const surplus = capabilities.filter((item) => ['root', 'sudo', 'create', 'delete'].includes(item))
  if (surplus.length > 0) {
    const detail = `${path} is granted more than is needed: ${surplus.join(', ')}`
    return { name, result: 'warning', detail, remedy: `${edit}\n${grant(path, ['update'])}` }
  }
  return { name, result: 'ok', detail: `${path} is granted`, remedy: '' }
}

/** The first of the token's own policies. */
async function policyName({ client, session, signal }: Patient): Promise<string> {
  const token = await session
    .run((value) => client.lookupSelf(value, { signal }), signal)
    .catch((): Readonly<Record<string, unknown>> => ({}))
  const names = Array.isArray(token.policies) ? token.policies.filter((item) => typeof item === 'string') : []
  return names.find((item) => item !== 'default') ?? 'minio-policy'
}
