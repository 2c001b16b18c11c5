import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { marked } from './content.ts'
import { command, type Scenario, versionOf } from './driver.ts'

/** A backup, checked with all its data, restored, and forgotten. It encrypts by itself, under whatever the server does. */
export const restic: Scenario = {
  name: 'restic',
  modes: ['plain', 'auto'],
  version: () => versionOf('restic', ['version'], /restic (\S+)/),
  async run(site, mode) {
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
    for (const size of [0, 1, 65_537, 30_000_000]) writeFileSync(join(source, String(size)), marked(size))
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
