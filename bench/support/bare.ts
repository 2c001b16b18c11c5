import { fork } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Settings } from '../settings.ts'
import type { Address } from './compare.ts'
import { ended } from './processes.ts'

/** Runs `work` with the bare server (bare-server.ts) as a process of its own. */
export async function withBareServer(
  { directory }: Settings,
  work: (address: Address, pid: number) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(directory, 'sealgate-bench-'))
  const main = fileURLToPath(new URL('./bare-server.js', import.meta.url))
  const child = fork(main, [folder])
  try {
    const port = await new Promise<number>((resolve, reject) => {
      child.once('message', (message: number) => resolve(message))
      child.once('exit', () => reject(new Error('the bare server has ended')))
    })
    if (child.pid === undefined) throw new Error('the bare server has no process')
    await work({ host: '127.0.0.1', port }, child.pid)
  } finally {
    child.disconnect()
    await ended(child)
    rmSync(folder, { recursive: true, force: true })
  }
}
