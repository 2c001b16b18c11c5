import { type ChildProcess, spawn } from 'node:child_process'
import { tmpdir } from 'node:os'
import { fileURLToPath } from 'node:url'

/** The program itself, as a process with an environment of its own. */

const main = fileURLToPath(new URL('../../cli/main.js', import.meta.url))
const waitMs = 30_000

export interface Program {
  readonly child: ChildProcess
  readonly pid: number
  stdout(): string
  stderr(): string
  /** Resolves when its output (both streams) matches; rejects when it ends before. */
  output(pattern: RegExp): Promise<RegExpExecArray>
  /** Status and signal, when it has ended. */
  readonly ended: Promise<{ readonly status: number | null; readonly signal: NodeJS.Signals | null }>
  /** Sends the signal and waits for the end. */
  end(
    signal?: NodeJS.Signals,
  ): Promise<{ readonly status: number | null; readonly signal: NodeJS.Signals | null }>
}

/** Starts `sealgate ARGUMENTS`; nothing of our own environment but PATH and TMPDIR reaches it. */
export function startProgram(
  programArguments: readonly string[],
  env: Readonly<Record<string, string>> = {},
  {
    cwd,
    stdin = 'ignore',
    openFilesMax,
  }: {
    readonly cwd?: string
    readonly stdin?: 'ignore' | 'pipe'
    /** The limit of the system. */
    readonly openFilesMax?: number
  } = {},
): Program {
  const limited =
    openFilesMax === undefined ? [] : ['/bin/sh', '-c', `ulimit -n ${openFilesMax}; exec "$@"`, 'sh']
  const [command = '', ...rest] = [...limited, process.execPath, main, ...programArguments]
  const child = spawn(command, rest, {
    env: { PATH: process.env.PATH ?? '', TMPDIR: tmpdir(), ...env },
    stdio: [stdin, 'pipe', 'pipe'],
    ...(cwd !== undefined && { cwd }),
  })
  const text = { stdout: '', stderr: '' }
  const listeners = new Set<() => void>()
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (part: string) => {
      text[name] += part
      for (const listener of listeners) listener()
    })
  }
  const ended = new Promise<{ status: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.once('close', (status, signal) => resolve({ status, signal }))
  })
  return {
    child,
    pid: child.pid ?? 0,
    stdout: () => text.stdout,
    stderr: () => text.stderr,
    ended,
    output(pattern) {
      return new Promise((resolve, reject) => {
        const settle = (found: RegExpExecArray | undefined, why: string) => {
          clearTimeout(timer)
          listeners.delete(look)
          if (found !== undefined) resolve(found)
          else reject(new Error(`${why} before ${pattern}:\n${text.stdout}${text.stderr}`))
        }
        const look = () => {
          const found = pattern.exec(text.stdout) ?? pattern.exec(text.stderr)
          if (found !== null) settle(found, '')
        }
        const timer = setTimeout(() => settle(undefined, `${waitMs} ms passed`), waitMs)
        listeners.add(look)
        void ended.then(() => {
          if (listeners.has(look)) look()
          if (listeners.has(look)) settle(undefined, 'it ended')
        })
        look()
      })
    },
    async end(signal = 'SIGTERM') {
      child.kill(signal)
      return ended
    },
  }
}

/** Runs `sealgate ARGUMENTS` to its end; kills it, so that its status is null, when that does not come. */
export async function runProgram(
  programArguments: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ readonly status: number | null; readonly stdout: string; readonly stderr: string }> {
  const program = startProgram(programArguments, env)
  const timer = setTimeout(() => program.child.kill('SIGKILL'), waitMs)
  const { status } = await program.ended
  clearTimeout(timer)
  return { status, stdout: program.stdout(), stderr: program.stderr() }
}
