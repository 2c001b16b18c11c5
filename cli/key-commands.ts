import type { Command } from 'commander'
import type { AdminService, DescribedKey } from '../control/index.ts'
import { takeEnvironment } from './environment.ts'
import { type ControlChoice, requireControl } from './find-control.ts'
import { clockText } from './time-text.ts'
import { withAdmin } from './with-admin.ts'

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
  const note = (persistent: boolean) => (persistent ? '' : ', until control is started again')
  withOptions(key.command('disable <id>'))
    .description('stop all use of a key, on every front-end; the KMS is not asked')
    .action(async (keyId: string, options: KeyOptions) => {
      for (const { address, result } of await askedAll(options, (admin) => admin.disableKey(keyId))) {
        print(
          answer(
            options,
            { address, keyId, disabled: true, ...result },
            `${keyId} is disabled at ${address}${note(result.persistent)}\n`,
          ),
        )
      }
    })
  withOptions(key.command('enable <id>'))
    .description('allow the use of a key again')
    .action(async (keyId: string, options: KeyOptions) => {
      for (const { address, result } of await askedAll(options, (admin) => admin.enableKey(keyId))) {
        print(
          answer(
            options,
            { address, keyId, disabled: false, ...result },
            `${keyId} is enabled at ${address}\n`,
          ),
        )
      }
    })
  withOptions(key.command('flush'))
    .description('end all leases and empty the caches: every key is asked of the KMS again')
    .action(async (options: KeyOptions) => {
      for (const { address, result } of await askedAll(options, (admin) => admin.flushCache())) {
        print(answer(options, { address, keys: result }, `${result} keys dropped at ${address}\n`))
      }
    })
}

function answer({ json }: KeyOptions, value: object, text: string): string {
  return json === true ? `${JSON.stringify(value)}\n` : text
}

async function askedAll<T>(
  options: KeyOptions,
  ask: (admin: AdminService) => Promise<T>,
): Promise<readonly { readonly address: string; readonly result: T }[]> {
  const results: { readonly address: string; readonly result: T }[] = []
  for (const address of controlsOf(options)) {
    results.push(
      await withAdmin(address, async (admin) => ({ address: admin.address, result: await ask(admin) })),
    )
  }
  return results
}

function controlsOf({ dir, control }: KeyOptions): ReturnType<typeof requireControl> {
  const choice = { ...(dir !== undefined && { directory: dir }), ...(control !== undefined && { control }) }
  return requireControl(takeEnvironment(), choice)
}

/** Asks the first control service there is: all have the same KMS. */
async function asked<T>(options: KeyOptions, ask: (admin: AdminService) => Promise<T>): Promise<T> {
  const [address] = controlsOf(options)
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
