import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { findProgram, foldersOf, freePort } from '../../bench/support/programs.ts'
import type { VaultAdmin } from './vault/seed.ts'

/** A dev server of HashiCorp Vault or OpenBao, which keeps everything in memory and begins unsealed. */
export interface RealVault {
  readonly endpoint: string
  readonly admin: VaultAdmin
  /** Undefined where the server has no namespaces. */
  addNamespace(name: string): Promise<VaultAdmin | undefined>
  /** A response-wrapping token for a fresh secret id. */
  wrap(): Promise<string>
  /** Every token that AppRole gave out. */
  revokeTokens(): Promise<void>
  seal(): Promise<void>
  close(): Promise<void>
}

export const realRootToken = 'root'
const startMsMax = 30_000
const probeMs = 100

/** The program to test against: `VAULT_BIN`, or `vault` or `bao` of the PATH. */
export function findVaultProgram(environment: NodeJS.ProcessEnv): string | undefined {
  const { VAULT_BIN: named, PATH: path } = environment
  if (named !== undefined && named !== '') return named
  return findProgram(['vault', 'bao'], foldersOf(path))
}

export async function startRealVault(program: string): Promise<RealVault> {
  const home = mkdtempSync(join(tmpdir(), 'real-vault-'))
  const address = `127.0.0.1:${await freePort()}`
  const flags = [
    `-dev-root-token-id=${realRootToken}`,
    `-dev-listen-address=${address}`,
    '-dev-no-store-token',
  ]
  const environment = { HOME: home, PATH: process.env.PATH ?? '' }
  const child = spawn(program, ['server', '-dev', ...flags], { stdio: 'ignore', env: environment })
  const failed = new Promise<never>((_, reject) => child.once('error', reject))
  const endpoint = `http://${address}`
  const close = async () => {
    await end(child)
    rmSync(home, { recursive: true, force: true })
  }
  try {
    await Promise.race([untilHealthy(endpoint), failed])
  } catch (error) {
    await close()
    throw error
  }
  const adminOf = (headers: Record<string, string>): VaultAdmin => {
    return async (method, path, body) => (await request(endpoint, method, path, { body, headers })).data ?? {}
  }
  const admin = adminOf({})
  return {
    endpoint,
    admin,
    async addNamespace(name) {
      try {
        await admin('PUT', `sys/namespaces/${name}`, {})
      } catch (error) {
        if (error instanceof Error && /unsupported path|enterprise-only feature/.test(error.message))
          return undefined
        throw error
      }
      return adminOf({ 'X-Vault-Namespace': name })
    },
    async wrap() {
      const path = 'auth/approle/role/my-role/secret-id'
      const { wrap_info: wrapped } = await request(endpoint, 'PUT', path, {
        headers: { 'X-Vault-Wrap-TTL': '600s' },
      })
      return wrapped?.token ?? ''
    },
    async revokeTokens() {
      await admin('PUT', 'sys/leases/revoke-prefix/auth/approle/login')
    },
    async seal() {
      await admin('PUT', 'sys/seal')
    },
    close,
  }
}

async function untilHealthy(endpoint: string): Promise<void> {
  const until = Date.now() + startMsMax
  while (Date.now() < until) {
    const response = await fetch(`${endpoint}/v1/sys/health`).catch(() => undefined)
    await response?.arrayBuffer()
    if (response?.status === 200) return
    await sleep(probeMs)
  }
  throw new Error(`${endpoint} is not healthy after ${startMsMax} ms`)
}

interface Answer {
  readonly data?: Record<string, unknown>
  readonly wrap_info?: { readonly token: string }
}

async function request(
  endpoint: string,
  method: string,
  path: string,
  { body, headers = {} }: { readonly body?: object | undefined; readonly headers?: Record<string, string> },
): Promise<Answer> {
  const response = await fetch(`${endpoint}/v1/${path}`, {
    method,
    headers: { 'X-Vault-Token': realRootToken, ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
  return text === '' ? {} : JSON.parse(text)
}

async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null) return
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  await ended
}
