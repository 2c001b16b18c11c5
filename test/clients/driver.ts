import { spawn } from 'node:child_process'

/** How the objects of a run are encrypted; `auto`: the client asks for nothing, the server encrypts by itself. */
export type Mode = 'plain' | 'auto' | 'sse-s3' | 'sse-kms' | 'sse-c'

/** What a client works with. */
export interface Site {
  readonly url: string
  readonly accessKey: string
  readonly secretKey: string
  readonly region: string
  /** The certificate authority's PEM file, where the URL is https. */
  readonly caFile: string
  readonly kmsKeyId: string
  /** 32 ASCII characters, and the file that holds them. */
  readonly customerKey: string
  readonly customerKeyFile: string
  /** For the client's configuration and scratch files. */
  readonly directory: string
}

/** A real client, driven from outside: its own commands or calls, nothing in between. */
export interface Driver {
  readonly name: string
  /** Its version; undefined when it is not installed. */
  version(): Promise<string | undefined>
  /** Modes that the client can ask for; `plain` and `auto` every one can. */
  readonly modes: readonly Mode[]
  open(site: Site): Promise<Session>
}

export interface Session {
  createBucket(bucket: string): Promise<void>
  put(file: string, bucket: string, key: string, mode: Mode): Promise<void>
  get(bucket: string, key: string, file: string, mode: Mode): Promise<void>
  copy(bucket: string, from: string, to: string, mode: Mode): Promise<void>
  /** Sizes by key. */
  list(bucket: string): Promise<ReadonlyMap<string, number>>
  remove(bucket: string, key: string): Promise<void>
  close(): Promise<void>
}

/** A client that is used in ways of its own; tells what it did. */
export interface Scenario {
  readonly name: string
  version(): Promise<string | undefined>
  readonly modes: readonly Mode[]
  run(site: Site, work: { readonly mode: Mode; readonly sizes: readonly number[] }): Promise<void>
}

/** Runs a command to its end; gives its output. Errors: another status than 0, with what it said. */
export function command(
  program: string,
  programArguments: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    // The authority is named by each client's own means; rclone stops when it finds this one.
    const { AWS_CA_BUNDLE: _, ...inherited } = process.env
    const child = spawn(program, programArguments, { env: { ...inherited, ...env }, stdio: 'pipe' })
    child.stdin.end()
    const output: Buffer[] = []
    const errors: Buffer[] = []
    child.stdout.on('data', (piece: Buffer) => output.push(piece))
    child.stderr.on('data', (piece: Buffer) => errors.push(piece))
    child.on('error', reject)
    child.on('close', (status) => {
      const text = Buffer.concat(output).toString()
      if (status === 0) resolve(text)
      else {
        const said = `${Buffer.concat(errors).toString()}${text}`.trim().slice(-2000)
        reject(
          new Error(`${program} ${programArguments.slice(0, 3).join(' ')} … ended with ${status}: ${said}`),
        )
      }
    })
  })
}

/** The first match in what a command says about its version, or undefined where there is no such command. */
export async function versionOf(program: string, programArguments: readonly string[], pattern: RegExp) {
  try {
    return pattern.exec(await command(program, programArguments))?.[1] ?? 'unknown'
  } catch {
    // Whatever the reason, it cannot be used.
    return undefined
  }
}
