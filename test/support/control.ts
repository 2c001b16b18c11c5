import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import { connectKeyService, type KeyService } from '../../control/client.ts'
import type { ControlAddress, ControlConfig, MasterKeyConfig } from '../../control/config.ts'
import { type Control, startControl } from '../../control/index.ts'
import type { Provider } from '../../control/providers/provider.ts'

/** The seed's example master key. */
export const testMasterKey: MasterKeyConfig = {
  kind: 'master-key',
  keyId: 'my-minio-key',
  key: Buffer.from('6368616e676520746869732070617373776f726420746f206120736563726574', 'hex'),
}

export interface TestControl {
  readonly address: ControlAddress
  readonly control: Control
  readonly keys: KeyService
  /** What it has logged, as text. */
  logged(): string
  close(): Promise<void>
}

/** A control service of this process on a Unix socket of its own, and a client of it. */
export async function startTestControl(
  options: {
    readonly provider?: Provider
    readonly config?: ControlConfig['provider']
    readonly deadlineMs?: number
  } = {},
): Promise<TestControl> {
  const directory = mkdtempSync(join(tmpdir(), 'sealgate-control-'))
  const address = { kind: 'unix', path: join(directory, 'control.sock') } as const
  const lines: string[] = []
  const control = await startControl(
    { address, provider: options.config ?? testMasterKey },
    {
      log: pino({ level: 'debug' }, { write: (line: string) => void lines.push(line) }),
      registry: new Registry(),
      version: '0.0.0-test',
      ...(options.provider !== undefined && { provider: options.provider }),
    },
  )
  const keys = connectKeyService(address, {
    ...(options.deadlineMs !== undefined && { deadlineMs: options.deadlineMs }),
  })
  return {
    address,
    control,
    keys,
    logged: () => lines.join(''),
    async close() {
      await keys.close()
      await control.close()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}
