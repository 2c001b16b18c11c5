import type { Command } from 'commander'
import type { AdminService, DescribedKey } from '../control/index.ts'
import { takeEnvironment } from './environment.ts'
import { messageOf } from './error-text.ts'
import { type ControlChoice, requireControl } from './find-control.ts'
import { clockText } from './time-text.ts'
import { withAdmin } from './with-admin.ts'

/** Not all of them did it. */
const statusOfTrouble = 1

interface KeyOptions extends ControlChoice {
  readonly dir?: string
  readonly json?: boolean
  readonly contextBound?: boolean
}

interface Parts {
  readonly withChoice: (command: Command) => Command
  readonly print: (text: string) => void
}

/** `sealgate key …`: the keys of the KMS, through the control service and what its KMS policy grants. */
export function keyCommands(program: Command, { withChoice, print }: Parts): void {
  const key = program.command('key').description('the keys of the KMS, and how control uses them')
  const withOptions = (command: Command) =>
    withChoice(command)
      .option('--dir <dir>', 'data folder of a running server')
      .option('--json', 'for programs')
  const show = (description: DescribedKey, { json }: KeyOptions) =>
    print(json === true ? `${JSON.stringify(description, undefined, 2)}\n` : keyText(description))

  useCommands(key, { withOptions, print })
  withOptions(key.command('list'))
    .description('the ids of all keys that the KMS shows us')
    .action(async (options: KeyOptions) => {
      const keyIds = await asked(options, (admin) => admin.listKeys())
      print(
        options.json === true ? `${JSON.stringify({ keyIds })}\n` : keyIds.map((id) => `${id}\n`).join(''),
      )
    })
  withOptions(key.command('describe [id]'))
    .description('one key; the default key where none is named')
    .action(async (id: string | undefined, options: KeyOptions) =>
      show(await asked(options, (admin) => admin.describeKey(id)), options),
    )
  withOptions(key.command('create <id>'))
    .description('make a key')
    .option('--context-bound', 'the KMS itself binds data keys to their bucket (transit: derived)')
    .action(async (id: string, options: KeyOptions) => {
      const contextBound = options.contextBound === true
      show(await asked(options, (admin) => admin.createKey(id, { contextBound })), options)
    })
  withOptions(key.command('rotate <id>'))
    .description('give the key a new version; what older ones sealed still opens')
    .action(async (id: string, options: KeyOptions) => {
      const rotated = await asked(options, (admin) => admin.rotateKey(id))
      show(rotated, options)
      if (options.json !== true) print(afterRotation)
    })
}

/** What control does with keys, whatever the KMS thinks of them: every instance is told. */
function useCommands(
  key: Command,
  { withOptions, print }: Pick<Parts, 'print'> & { readonly withOptions: Parts['withChoice'] },
): void {
  const note = (persistent: boolean) =>
    persistent ? '' : ', until control is started again: it is not written down'
  withOptions(key.command('disable <id>'))
    .description('stop all use of a key, on every front-end; the KMS is not asked')
    .action((keyId: string, options: KeyOptions) =>
      tellAll(options, {
        print,
        ask: (admin) => admin.disableKey(keyId),
        toJson: (result) => ({ keyId, disabled: true, ...result }),
        toText: ({ persistent }, address) => `${keyId} is disabled at ${address}${note(persistent)}`,
      }),
    )
  withOptions(key.command('enable <id>'))
    .description('allow the use of a key again')
    .action((keyId: string, options: KeyOptions) =>
      tellAll(options, {
        print,
        ask: (admin) => admin.enableKey(keyId),
        toJson: (result) => ({ keyId, disabled: false, ...result }),
        toText: (_, address) => `${keyId} is enabled at ${address}`,
      }),
    )
  withOptions(key.command('flush'))
    .description('end all leases and empty the caches: every key is asked of the KMS again')
    .action((options: KeyOptions) =>
      tellAll(options, {
        print,
        ask: (admin) => admin.flushCache(),
        toJson: (keys) => ({ keys }),
        toText: (keys, address) => `${keys} keys dropped at ${address}`,
      }),
    )
}

interface Order<T> {
  readonly print: Parts['print']
  readonly ask: (admin: AdminService) => Promise<T>
  readonly toJson: (result: T) => object
  readonly toText: (result: T, address: string) => string
}

/** Tells all instances, whichever of them does not answer, and prints what each said. Status 1 unless all did it. */
async function tellAll<T>(options: KeyOptions, { print, ask, toJson, toText }: Order<T>): Promise<void> {
  const tell = (admin: AdminService) =>
    ask(admin).then(
      (result) => ({ address: admin.address, result }),
      (error: unknown) => ({
        address: admin.address,
        error: messageOf(error),
      }),
    )
  const addresses = await controlsOf(options)
  const outcomes = await Promise.all(addresses.map((address) => withAdmin(address, tell)))
  for (const outcome of outcomes) {
    const { address } = outcome
    if ('error' in outcome) {
      process.exitCode = statusOfTrouble
      if (options.json === true) print(`${JSON.stringify(outcome)}\n`)
      else process.stderr.write(`sealgate: ${address}: ${outcome.error}\n`)
    } else if (options.json === true) {
      print(`${JSON.stringify({ address, ...toJson(outcome.result) })}\n`)
    } else {
      print(`${toText(outcome.result, address)}\n`)
    }
  }
}

function controlsOf({ dir, control }: KeyOptions): ReturnType<typeof requireControl> {
  const choice = { ...(dir !== undefined && { directory: dir }), ...(control !== undefined && { control }) }
  return requireControl(takeEnvironment(), choice)
}

/** Asks the first control service there is: all have the same KMS. */
async function asked<T>(options: KeyOptions, ask: (admin: AdminService) => Promise<T>): Promise<T> {
  const [address] = await controlsOf(options)
  return withAdmin(address, ask)
}

const afterRotation = `
New epochs are sealed by the new version; \`sealgate key flush\` begins them now. What is sealed already opens as before, and
\`sealgate rewrap DIR\` seals it anew, without touching objects.
`

const nameWidth = 12

function keyText(key: DescribedKey): string {
  const version = key.latestVersion === 0 ? 'not told' : `${key.latestVersion}`
  const made = key.latestVersionAtMs === 0 ? '' : `, made ${dayText(key.latestVersionAtMs)}`
  const rows: readonly (readonly [string, string])[] = [
    ['Key', `${key.keyId}${key.default ? ' (default)' : ''}`],
    ['Type', key.type === '' ? 'not told' : key.type],
    ['Version', `${version}${made}`],
    ['Opens', key.minDecryptionVersion === 0 ? 'not told' : `versions from ${key.minDecryptionVersion}`],
    ['Context', key.contextBound ? 'bound by the KMS' : 'not bound by the KMS (the envelope binds it)'],
    ['Deletion', key.deletionAllowed ? 'ALLOWED' : 'not allowed'],
    ['Export', key.exportable ? 'POSSIBLE' : 'not possible'],
  ]
  return rows.map(([name, value]) => `${name.padEnd(nameWidth)}${value}\n`).join('')
}

function dayText(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(0, 10)} ${clockText(atMs)}`
}
