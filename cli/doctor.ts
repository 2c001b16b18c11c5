import { type Check, connectAdmin, diagnoseKms, KmsError } from '../control/index.ts'
import { ConfigError } from './config-error.ts'
import { type Environment, nameOf } from './environment.ts'
import { type ControlChoice, findControl } from './find-control.ts'
import { parseKms, parseOldKeys } from './kms-config.ts'
import { createLog } from './log.ts'

/** As long as one doctor may take. */
const deadlineMs = 60_000
const resultWidth = 9
const nameWidth = 10

export interface Diagnosis {
  readonly text: { readonly table: string; readonly json: string }
  /** Nothing failed. */
  readonly healthy: boolean
}

/**
 * Asks the control service for its diagnosis; where none runs, examines the KMS that the environment names from here.
 * Errors: ConfigError where there is neither.
 */
export async function doctor(environment: Environment, choice: ControlChoice): Promise<Diagnosis> {
  const provider = parseKms(environment)
  const kms = provider && { provider, ...parseOldKeys(environment) }
  // Who configures a KMS here means that one, and not some gateway's on this machine.
  const addresses = await findControl(environment, { ...choice, anywhere: kms === undefined })
  const checks: Check[] = []
  for (const address of addresses) checks.push(...(await askControl(connectAdmin(address))))
  if (addresses.length === 0) checks.push(...(await examineDirectly(kms)))
  return {
    text: {
      table: checks.map(toText).join(''),
      json: `${JSON.stringify({ checks }, undefined, 2)}\n`,
    },
    healthy: checks.every(({ result }) => result !== 'failed'),
  }
}

async function askControl(admin: ReturnType<typeof connectAdmin>): Promise<readonly Check[]> {
  const name = 'control'
  try {
    const { version } = await admin.status()
    const found: Check = {
      name,
      result: 'ok',
      detail: `${admin.address} answers, version ${version}`,
      remedy: '',
    }
    return [found, ...(await admin.doctor())]
  } catch (error) {
    if (!(error instanceof KmsError)) throw error
    const detail = `${admin.address}: ${error.message}`
    const remedy =
      error.code === 'access-denied'
        ? 'sealgate identity CERTIFICATE   # give that client Status and Doctor in the policy of control'
        : 'sealgate control   # is it running, and are address and certificates those of this command?'
    return [{ name, result: 'failed', detail, remedy }]
  } finally {
    admin.close()
  }
}

async function examineDirectly(
  kms: Parameters<typeof diagnoseKms>[0] | undefined,
): Promise<readonly Check[]> {
  if (kms === undefined) {
    throw new ConfigError(
      `no control service is known and no KMS is configured: name a data folder or --control, or set ${nameOf('vaultEndpoint')}`,
    )
  }
  const detail = 'none is running that is known here: the KMS of this environment is examined directly'
  const deadline = new AbortController()
  // Keeps the process alive as well: nothing of a session that waits for its turn to log in does.
  const timer = setTimeout(() => deadline.abort(), deadlineMs)
  try {
    const { signal } = deadline
    const checks = await diagnoseKms(kms, { log: createLog('fatal', 'doctor'), signal })
    return [{ name: 'control', result: 'skipped', detail, remedy: '' }, ...checks]
  } finally {
    clearTimeout(timer)
  }
}

function toText({ name, result, detail, remedy }: Check): string {
  const shown = result === 'ok' || result === 'skipped' ? result : result.toUpperCase()
  const line = `${shown.padEnd(resultWidth)}${name.padEnd(nameWidth)}${detail}\n`
  if (remedy === '') return line
  const indent = ' '.repeat(resultWidth)
  return `${line}${remedy
    .split('\n')
    .map((row) => `${indent}${row}\n`)
    .join('')}`
}
