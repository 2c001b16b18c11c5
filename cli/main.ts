#!/usr/bin/env node
import { resolve } from 'node:path'
import { Command, CommanderError } from 'commander'
import { ConfigError } from './config-error.ts'
import { type ControlOptions, parseControlProcess } from './control-config.ts'
import { takeEnvironment } from './environment.ts'
import { messageOf } from './error-text.ts'
import { describeGateway, parseGateway } from './gateway.ts'
import { guardProcess } from './guards.ts'
import { addOperatorCommands } from './operator-commands.ts'
import { describeQuickstart, prepareQuickstart } from './quickstart.ts'
import { parseServer, type ServerOptions } from './server.ts'
import { type System, type SystemConfig, startSystem } from './system.ts'
import { version } from './version.ts'

/** Wrong usage or configuration, as opposed to a failure (1). */
const statusOfMisuse = 2
/** In a terminal, SIGHUP means that it was closed. */
const inBackground = process.stdin.isTTY !== true

async function quickstart(directory: string, options: ServerOptions): Promise<void> {
  const prepared = prepareQuickstart(takeEnvironment(), options, resolve(directory))
  const system = await serve(prepared.config, { restartsOnHangup: false })
  process.stdout.write(describeQuickstart(prepared, system))
}

async function gateway(endpoint: string | undefined, options: ServerOptions): Promise<void> {
  const config = parseGateway(takeEnvironment(), options, endpoint)
  const system = await serve(config, { restartsOnHangup: inBackground })
  process.stdout.write(describeGateway(config, system))
}

async function server(directory: string, options: ServerOptions): Promise<void> {
  const config = parseServer(takeEnvironment(), options, resolve(directory))
  await serve(config, { restartsOnHangup: inBackground })
}

async function control(options: ControlOptions): Promise<void> {
  const { runControl } = await import('./control-process.ts')
  const running = await runControl(parseControlProcess(takeEnvironment(), options))
  endOnSignal({ stop: () => running.close(), kill: () => process.exit(1) })
}

async function serve(
  config: SystemConfig,
  { restartsOnHangup }: { readonly restartsOnHangup: boolean },
): Promise<System> {
  const stopped = new AbortController()
  const killed = new AbortController()
  let starting: Promise<System> | undefined
  // Before there is anything to end: a signal that found no handler would leave it running.
  endOnSignal({
    async stop() {
      stopped.abort()
      await starting?.then(
        (system) => system.stop(),
        // It has not started, and left nothing running.
        () => {},
      )
    },
    kill: () => killed.abort(),
    ...(restartsOnHangup && { restart: () => void starting?.then((system) => system.restart()) }),
  })
  starting = startSystem(config, { stopped: stopped.signal, killed: killed.signal })
  return starting.catch((error: unknown) => {
    // Whoever ended it while it started gets no error for it: the signal's handler ends us.
    if (stopped.signal.aborted) return new Promise<never>(() => {})
    throw error
  })
}

/**
 * The first signal ends in order, a second one at once. SIGHUP restarts what can be restarted; otherwise it means what Ctrl-C
 * does.
 */
function endOnSignal(running: { stop(): Promise<void>; kill(): void; restart?(): void }): void {
  let ending = false
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (signal === 'SIGHUP' && running.restart !== undefined) {
        running.restart()
        return
      }
      if (ending) {
        running.kill()
        process.exit(1)
      }
      ending = true
      running.stop().then(
        () => process.exit(0),
        (error: unknown) => fail(error),
      )
    })
  }
}

function fail(error: unknown): never {
  if (error instanceof CommanderError) process.exit(error.exitCode === 0 ? 0 : statusOfMisuse)
  process.stderr.write(`sealgate: ${messageOf(error)}\n`)
  process.exit(error instanceof ConfigError ? statusOfMisuse : 1)
}

const program = new Command('sealgate')
  .description('An S3-compatible server that encrypts every object under keys that your KMS controls')
  .version(version)
  .exitOverride()
  .showHelpAfterError()
  .addHelpText('after', '\nThe environment configures the rest: see docs/configuration.md.')

function withServerOptions(command: Command): Command {
  return command
    .option('--address <host:port>', 'where to serve S3 (default: 127.0.0.1:9000)')
    .option(
      '--admin-address <host:port>',
      'health and metrics of the front-end, or off (default: 127.0.0.1:9001)',
    )
    .option(
      '--control-admin-address <host:port>',
      'those of the control service, or off (default: 127.0.0.1:9002)',
    )
    .option('--processes <number>', 'front-ends that share the address (default: 1)')
}

withServerOptions(program.command('quickstart <dir>'))
  .description('try it out: makes credentials and a master key in DIR, and encrypts everything')
  .action(quickstart)

withServerOptions(program.command('server <dir>'))
  .description('serve S3 from DIR, as the environment configures it')
  .action(server)

withServerOptions(
  program
    .command('gateway')
    .description('serve S3 from another store, and encrypt before it')
    .command('s3 [endpoint]'),
)
  .description('serve S3 from the S3 at ENDPOINT (default: SEALGATE_BACKEND_ENDPOINT, or AWS)')
  .action(gateway)

program
  .command('control')
  .description('run the key service alone, for front-ends that name it in SEALGATE_CONTROL')
  .option('--address <address>', 'unix:/PATH, or HOST:PORT with mutual TLS')
  .option('--admin-address <host:port>', 'health and metrics, or off (default: off)')
  .action(control)

program
  .command('identity <certificate>')
  .description('print the identity that a client certificate (PEM) has in a policy')
  .action(async (path: string) => {
    const { identity } = await import('./identity.ts')
    process.stdout.write(`${identity(path)}\n`)
  })

program
  .command('audit')
  .description('look after the audit of a control service')
  .command('verify <file...>')
  .description(
    'find a line that was changed, left out, moved or cut off; give the files that were put away as well',
  )
  .option('--from <number>', 'the first line that is there, where older files are gone')
  .action(async (files: string[], options: { readonly from?: string }) => {
    const { auditVerify } = await import('./audit.ts')
    process.stdout.write(await auditVerify(files, options))
  })

addOperatorCommands(program)

guardProcess('supervisor')
program.parseAsync().catch(fail)
