import { command, type Driver, type Mode, type Site, versionOf } from './driver.ts'

export const rclone: Driver = {
  name: 'rclone',
  modes: ['plain', 'auto', 'sse-s3', 'sse-kms', 'sse-c'],
  version: () => versionOf('rclone', ['version'], /rclone v(\S+)/),
  async open(site) {
    const env = {
      RCLONE_CONFIG: '/dev/null',
      RCLONE_CONFIG_SITE_TYPE: 's3',
      RCLONE_CONFIG_SITE_PROVIDER: 'Other',
      RCLONE_CONFIG_SITE_ENDPOINT: site.url,
      RCLONE_CONFIG_SITE_ACCESS_KEY_ID: site.accessKey,
      RCLONE_CONFIG_SITE_SECRET_ACCESS_KEY: site.secretKey,
      RCLONE_CONFIG_SITE_REGION: site.region,
      RCLONE_S3_UPLOAD_CUTOFF: '64M',
    }
    const run = (mode: Mode, ...words: string[]) =>
      command('rclone', ['--ca-cert', site.caFile, '--retries', '1', ...options(site, mode), ...words], env)
    let modeOfObjects: Mode = 'plain'
    return {
      createBucket: async (bucket) => void (await run('plain', 'mkdir', `site:${bucket}`)),
      async put(file, bucket, key, mode) {
        modeOfObjects = mode
        await run(mode, 'copyto', file, `site:${bucket}/${key}`)
      },
      get: async (bucket, key, file, mode) => void (await run(mode, 'copyto', `site:${bucket}/${key}`, file)),
      copy: async (bucket, from, to, mode) =>
        void (await run(mode, 'copyto', `site:${bucket}/${from}`, `site:${bucket}/${to}`)),
      async list(bucket) {
        const text = await run('plain', 'lsjson', '-R', '--no-modtime', `site:${bucket}`)
        const items = JSON.parse(text) as { Path: string; Size: number; IsDir: boolean }[]
        return new Map(items.filter(({ IsDir }) => !IsDir).map(({ Path, Size }) => [Path, Size]))
      },
      // It looks at the object first, and needs its key for that.
      remove: async (bucket, key) => void (await run(modeOfObjects, 'delete', `site:${bucket}/${key}`)),
      async close() {},
    }
  },
}

function options(site: Site, mode: Mode): string[] {
  if (mode === 'sse-s3') return ['--s3-server-side-encryption', 'AES256']
  if (mode === 'sse-kms') {
    return ['--s3-server-side-encryption', 'aws:kms', '--s3-sse-kms-key-id', site.kmsKeyId]
  }
  if (mode === 'sse-c') {
    return ['--s3-sse-customer-algorithm', 'AES256', '--s3-sse-customer-key', site.customerKey]
  }
  return []
}
