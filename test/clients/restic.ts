import { randomBytes } from 'node:crypto'
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { command, type Scenario, versionOf } from './driver.ts'

const pieceSize = 4 * 1024 * 1024

/** A backup, checked with all its data, restored, and forgotten. It encrypts by itself, under whatever the server does. */
export const restic: Scenario = {
  name: 'restic',
  modes: ['plain', 'auto'],
  version: () => versionOf('restic', ['version'], /restic (\S+)/),
  async run(site, { mode, sizes }) {
    const env = {
      AWS_ACCESS_KEY_ID: site.accessKey,
      AWS_SECRET_ACCESS_KEY: site.secretKey,
      AWS_DEFAULT_REGION: site.region,
      RESTIC_PASSWORD: 'a password of restic’s own',
      RESTIC_CACHE_DIR: join(site.directory, 'restic-cache'),
    }
    const scratch = join(site.directory, `restic-${mode}`)
    const [source, target] = [join(scratch, 'source'), join(scratch, 'target')]
    mkdirSync(source, { recursive: true })
    for (const size of sizes) writeRandom(join(source, String(size)), size)
    const repository = `s3:${site.url}/restic-${mode}`
    const run = (...words: string[]) =>
      command('restic', ['--cacert', site.caFile, '-q', '-r', repository, ...words], env)
    await run('init')
    await run('backup', source)
    await run('check', '--read-data')
    await run('restore', 'latest', '--target', target)
    await command('diff', ['-r', source, join(target, source)])
    await run('forget', '--prune', '--keep-last', '1', 'latest')
  },
}

/** It stores what repeats once: no two pieces are the same. */
function writeRandom(file: string, size: number): void {
  writeFileSync(file, '')
  for (let rest = size; rest > 0; rest -= pieceSize)
    appendFileSync(file, randomBytes(Math.min(rest, pieceSize)))
}
