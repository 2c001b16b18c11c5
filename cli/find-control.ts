import { resolve } from 'node:path'
import type { ControlAddress } from '../control/config.ts'
import { parseControlAddresses } from './addresses.ts'
import { ConfigError } from './config-error.ts'
import { type Environment, nameOf } from './environment.ts'
import { type RunningRecord, readRunningRecords } from './running-record.ts'

/** How an operator's command says which control service it means. */
export interface ControlChoice {
  /** A server's data folder. */
  readonly directory?: string
  readonly control?: string
  /** Also a server that has no data folder, wherever one stands. */
  readonly anywhere?: boolean
}

/** Where somebody may stand, and where `npm start` keeps its data. */
const usualDirectories = ['.', 'data']

/**
 * The control services that are meant: `--control`, a folder, the environment, the usual folders, gateways, in this order.
 * Nothing found is an empty list, but for a folder that was named. Errors: ConfigError.
 */
export async function findControl(
  environment: Environment,
  { directory, control, anywhere = true }: ControlChoice,
): Promise<readonly ControlAddress[]> {
  if (control !== undefined) return parseControlAddresses('--control', control, environment)
  if (directory !== undefined) {
    const found = await addressesOf(environment, [directory])
    if (found.length > 0) return found
    throw new ConfigError(`no server with a control service of its own runs on ${resolve(directory)}`)
  }
  const given = environment.find('control')
  if (given !== undefined) return parseControlAddresses(given.name, given.value, environment)
  const found = await addressesOf(environment, usualDirectories)
  return found.length > 0 || !anywhere ? found : addressesOf(environment, [undefined])
}

/** As above, at least one. Errors: ConfigError. */
export async function requireControl(
  environment: Environment,
  choice: ControlChoice,
): Promise<readonly [ControlAddress, ...ControlAddress[]]> {
  const [first, ...others] = await findControl(environment, choice)
  if (first !== undefined) return [first, ...others]
  throw new ConfigError(
    `no control service is known: name a server's data folder, or --control, or set ${nameOf('control')}`,
  )
}

/** The control services of the gateways that run before the store, here and as this user. */
export async function controlsOfGateways(
  environment: Environment,
  store: string,
): Promise<readonly ControlAddress[]> {
  const records = await readRunningRecords(undefined)
  return toAddresses(
    environment,
    records.filter((record) => record.store === store),
  )
}

/** Of the servers that run on the folders. */
async function addressesOf(
  environment: Environment,
  directories: readonly (string | undefined)[],
): Promise<readonly ControlAddress[]> {
  const records = await Promise.all(directories.map(readRunningRecords))
  return toAddresses(environment, records.flat())
}

function toAddresses(environment: Environment, records: readonly RunningRecord[]): readonly ControlAddress[] {
  return records.flatMap(({ control }) =>
    parseControlAddresses('the record of a running server', control, environment),
  )
}
