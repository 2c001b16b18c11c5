import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import type { Provider } from '../../control/providers/provider.ts'
import type { Backend } from '../../s3api/backends/backend.ts'
import { openDiskBackend } from '../../s3api/backends/disk/index.ts'
import { createCryptoPool, type FrontEnd, type FrontEndConfig, startFrontEnd } from '../../s3api/index.ts'
import type { Operation } from '../../s3api/operation.ts'
import { startTestControl } from './control.ts'
import { withDirectory } from './files.ts'
import { frontEndConfig } from './front-end-config.ts'
import { type Response, type SentRequest, type Signer, sendSigned } from './signed-request.ts'

/** A front-end of this process over the disk backend and a control service, on a port of its own. */
export interface TestFrontEnd {
  readonly frontEnd: FrontEnd
  readonly backend: Backend
  readonly url: string
  /** Of the disk backend. */
  readonly directory: string
  /** By its name, and its labels as they are shown. */
  metric(name: string): Promise<number>
  /** Sends a request, signed by the root user unless `by` names another, or nobody. */
  send(request: SentRequest, by?: Signer | 'nobody'): Promise<Response>
}

export const rootSigner: Signer = { accessKey: 'root-access', secretKey: 'root-secret-key' }
export const alice = { accessKey: 'ALICE', secretKey: 'alice-secret', id: 'alice-id', name: 'Alice' }
export const bob = {
  accessKey: 'BOB',
  secretKey: 'bob-secret',
  id: 'bob-id',
  name: 'Bob',
  email: 'bob@example.com',
}

export async function withFrontEnd(
  options: {
    readonly users?: readonly unknown[]
    readonly config?: Partial<FrontEndConfig>
    readonly operations?: readonly Operation[]
    readonly now?: () => number
    readonly rateWindowMs?: number
    readonly documentBytesMax?: number
    /** In place of a new one. */
    readonly directory?: string
    /** Control's KMS. */
    readonly provider?: Provider
  },
  work: (front: TestFrontEnd) => Promise<void>,
): Promise<void> {
  const inDirectory = async (directory: string) => {
    const log = pino({ level: 'silent' })
    const control = await startTestControl(options.provider && { provider: options.provider })
    const pool = createCryptoPool({ threads: 1 })
    const backend = await openDiskBackend({ directory, log })
    const usersFile = join(directory, 'users.json')
    writeFileSync(usersFile, JSON.stringify({ users: options.users ?? [alice, bob] }))
    const config = frontEndConfig(rootSigner, {
      domains: ['s3.example.com'],
      usersFile,
      drainMs: 1_000,
      ...options.config,
    })
    const registry = new Registry()
    const metric: TestFrontEnd['metric'] = async (name) =>
      Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(await registry.metrics())?.[1])
    try {
      const frontEnd = await startFrontEnd(config, {
        backend,
        pool,
        keys: control.keys,
        log,
        registry,
        ...(options.now !== undefined && { now: options.now }),
        ...(options.rateWindowMs !== undefined && { rateWindowMs: options.rateWindowMs }),
        ...(options.documentBytesMax !== undefined && { documentBytesMax: options.documentBytesMax }),
        ...(options.operations !== undefined && { operations: options.operations }),
      })
      const { url } = frontEnd
      const send: TestFrontEnd['send'] = (request, by = rootSigner) =>
        sendSigned(url, request, by === 'nobody' ? undefined : by)
      try {
        await work({ frontEnd, backend, url, directory, send, metric })
      } finally {
        await frontEnd.close()
      }
    } finally {
      await backend.close()
      await pool.close()
      await control.close()
    }
  }
  if (options.directory === undefined) await withDirectory(inDirectory)
  else await inDirectory(options.directory)
}
