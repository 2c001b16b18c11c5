import { copyFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { command, type Driver, type Mode, type Site, versionOf } from './driver.ts'

const alias = 'site'

export const mc: Driver = {
  name: 'mc',
  modes: ['plain', 'auto', 'sse-s3', 'sse-kms', 'sse-c'],
  version: () => versionOf('mc', ['--version'], /version (\S+)/),
  async open(site) {
    const config = join(site.directory, 'mc')
    mkdirSync(join(config, 'certs', 'CAs'), { recursive: true })
    copyFileSync(site.caFile, join(config, 'certs', 'CAs', 'ca.pem'))
    const run = (...words: string[]) => command('mc', ['--config-dir', config, '--quiet', ...words])
    await run('alias', 'set', alias, site.url, site.accessKey, site.secretKey)
    return {
      createBucket: async (bucket) => void (await run('mb', `${alias}/${bucket}`)),
      put: async (file, bucket, key, mode) =>
        void (await run('cp', ...options(site, bucket, mode), file, `${alias}/${bucket}/${key}`)),
      get: async (bucket, key, file, mode) =>
        void (await run('cp', ...readOptions(site, bucket, mode), `${alias}/${bucket}/${key}`, file)),
      copy: async (bucket, from, to, mode) => {
        const names = [`${alias}/${bucket}/${from}`, `${alias}/${bucket}/${to}`]
        await run('cp', ...options(site, bucket, mode), ...names)
      },
      async list(bucket) {
        const lines = (await run('--json', 'ls', '--recursive', `${alias}/${bucket}`)).trim().split('\n')
        const items = lines
          .filter((line) => line !== '')
          .map((line) => JSON.parse(line) as { key: string; size: number })
        return new Map(items.map(({ key, size }) => [key, size]))
      },
      remove: async (bucket, key) => void (await run('rm', `${alias}/${bucket}/${key}`)),
      async close() {},
    }
  },
}

function options(site: Site, bucket: string, mode: Mode): string[] {
  if (mode === 'sse-s3') return ['--enc-s3', `${alias}/${bucket}`]
  if (mode === 'sse-kms') return ['--enc-kms', `${alias}/${bucket}=${site.kmsKeyId}`]
  return readOptions(site, bucket, mode)
}

function readOptions(site: Site, bucket: string, mode: Mode): string[] {
  if (mode !== 'sse-c') return []
  // Without padding: that is how it wants its keys.
  const key = Buffer.from(site.customerKey).toString('base64').replace(/=+$/, '')
  return ['--enc-c', `${alias}/${bucket}=${key}`]
}
