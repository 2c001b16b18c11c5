import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ControlAddress } from '../../control/config.ts'
import { type Program, startProgram } from './program.ts'

/** A control service as a process. */
export interface Instance {
  readonly address: ControlAddress
  readonly program: Program
  /** Again, once it has ended. */
  start(): Promise<Program>
}

const masterKey = 'my-minio-key:6368616e676520746869732070617373776f726420746f206120736563726574'
/** Control services as processes, each on a socket of its own. */
export async function withInstances(
  names: readonly string[],
  use: (instances: readonly Instance[]) => Promise<void>,
): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'sealgate-failover-'))
  const programs: Program[] = []
  try {
    const instances = []
    for (const name of names) {
      const path = join(directory, `${name}.sock`)
      const start = async () => {
        const program = startProgram(['control', '--address', `unix:${path}`], {
          SEALGATE_KMS_MASTER_KEY: masterKey,
        })
        programs.push(program)
        await program.output(/control is listening/)
        return program
      }
      instances.push({ address: { kind: 'unix', path } as const, program: await start(), start })
    }
    await use(instances)
  } finally {
    for (const program of programs) await program.end('SIGKILL')
    rmSync(directory, { recursive: true, force: true })
  }
}
