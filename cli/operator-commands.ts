import type { Command } from 'commander'
import type { AdminService } from '../control/index.ts'
import { takeEnvironment } from './environment.ts'
import { messageOf } from './error-text.ts'
import { type ControlChoice, requireControl } from './find-control.ts'
import { keyCommands } from './key-commands.ts'
import type { RewrapOptions } from './rewrap.ts'
import { type InstanceStatus, statusText } from './status-text.ts'
import type { VerifyOptions } from './verify.ts'
import { withAdmin } from './with-admin.ts'

interface Format {
  readonly json?: boolean
}

/** Something is not well; the text says what. Ends the program with status 1. */
const statusOfTrouble = 1
const tickMs = 1_000

/** `status`, `doctor`, `rewrap`, `verify` and `key …`: what operators ask of a control service. Each loads its work when it is called. */
export function addOperatorCommands(program: Command): void {
  withChoice(program.command('status [dir]'))
    .description('how a control service and its KMS session are; ends with 1 unless all is ready')
    .option('--json', 'for programs')
    .action(async (directory: string | undefined, options: ControlChoice & Format) => {
      const environment = takeEnvironment()
      const addresses = await requireControl(environment, {
        ...options,
        ...(directory !== undefined && { directory }),
      })
      const instances = await Promise.all(addresses.map((address) => withAdmin(address, statusOf)))
      print(options.json === true ? toJson(instances) : statusText(instances, Date.now()))
      if (instances.some((instance) => 'error' in instance || !instance.status.ready)) {
        process.exitCode = statusOfTrouble
      }
    })

  withChoice(program.command('doctor [dir]'))
    .description(
      'try everything that the KMS is needed for, and print what mends it; ends with 1 if something fails',
    )
    .option('--json', 'for programs')
    .action(async (directory: string | undefined, options: ControlChoice & Format) => {
      const choice = { ...options, ...(directory !== undefined && { directory }) }
      const { doctor } = await import('./doctor.ts')
      const { text, healthy } = await doctor(takeEnvironment(), choice)
      print(options.json === true ? text.json : text.table)
      if (!healthy) process.exitCode = statusOfTrouble
    })

  withChoice(program.command('rewrap [dir]'))
    .description('seal the data keys of a store anew after a rotation; objects are not touched')
    .option('--gateway [endpoint]', 'the store behind a gateway, as `gateway s3` is configured')
    .option(
      '--leave <key>',
      'seal what is under this key under the default key, so that it is not needed any more; may be given again',
      (keyId: string, before: readonly string[] = []) => [...before, keyId],
    )
    .option('--restart', 'from the beginning, where an earlier run was interrupted')
    .option('--json', 'for programs')
    .action(async (directory: string | undefined, options: RewrapOptions) => {
      const { rewrap } = await import('./rewrap.ts')
      const { text, complete } = await rewrap(takeEnvironment(), directory, options)
      print(options.json === true ? text.json : text.table)
      if (!complete) process.exitCode = statusOfTrouble
    })

  withChoice(program.command('verify [dir]'))
    .description(
      'read every object of a store, and name those that are not what was stored; ends with 1 if there are any',
    )
    .option('--gateway [endpoint]', 'the store behind a gateway, as `gateway s3` is configured')
    .option('--bucket <name>', 'of this bucket alone')
    .option('--prefix <prefix>', 'of keys that begin so alone')
    .option('--after <bucket/key>', 'from behind this object, where an earlier run has ended')
    .option('--mib-per-second <number>', 'read no faster')
    .option('--json', 'for programs: a document a line')
    .action(async (directory: string | undefined, options: VerifyOptions) => {
      const { verify } = await import('./verify.ts')
      const tell = createTicker()
      const write = (text: string) => {
        tell('')
        print(text)
      }
      if (!(await verify(takeEnvironment(), directory, options, { write, tell })))
        process.exitCode = statusOfTrouble
    })

  keyCommands(program, { withChoice, print })
}

/** The options that say which control service is meant. */
function withChoice(command: Command): Command {
  return command.option(
    '--control <address>',
    'unix:/PATH, or HOST:PORT with mutual TLS; or name a data folder',
  )
}

async function statusOf(admin: AdminService): Promise<InstanceStatus> {
  try {
    return { address: admin.address, status: await admin.status() }
  } catch (error) {
    return { address: admin.address, error: messageOf(error) }
  }
}

function toJson(instances: readonly InstanceStatus[]): string {
  return `${JSON.stringify({ instances }, undefined, 2)}\n`
}

/** Shows how far something has come on one line of a terminal, once a second at most; an empty text clears it. */
function createTicker(): (text: string) => void {
  if (process.stderr.isTTY !== true) return () => {}
  let shownAtMs = Number.NEGATIVE_INFINITY
  return (text) => {
    const nowMs = performance.now()
    if (text !== '' && nowMs - shownAtMs < tickMs) return
    if (text !== '') shownAtMs = nowMs
    process.stderr.write(`\r\x1b[K${text.slice(0, (process.stderr.columns || 80) - 1)}`)
  }
}

function print(text: string): void {
  process.stdout.write(text)
}
