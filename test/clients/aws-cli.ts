import { command, type Driver, type Mode, type Site, versionOf } from './driver.ts'

export const awsCli: Driver = {
  name: 'aws CLI',
  modes: ['plain', 'auto', 'sse-s3', 'sse-kms', 'sse-c'],
  version: () => versionOf('aws', ['--version'], /aws-cli\/(\S+)/),
  async open(site) {
    const env = {
      AWS_ACCESS_KEY_ID: site.accessKey,
      AWS_SECRET_ACCESS_KEY: site.secretKey,
      AWS_DEFAULT_REGION: site.region,
      AWS_CA_BUNDLE: site.caFile,
      AWS_CONFIG_FILE: '/dev/null',
    }
    const aws = (...words: string[]) => command('aws', ['--endpoint-url', site.url, ...words], env)
    const quiet = '--only-show-errors'
    return {
      createBucket: async (bucket) => void (await aws('s3', 'mb', `s3://${bucket}`)),
      put: async (file, bucket, key, mode) =>
        void (await aws('s3', 'cp', quiet, file, `s3://${bucket}/${key}`, ...writeOptions(site, mode))),
      get: async (bucket, key, file, mode) =>
        void (await aws('s3', 'cp', quiet, `s3://${bucket}/${key}`, file, ...customerOptions(site, mode))),
      copy: async (bucket, from, to, mode) => {
        const source = mode === 'sse-c' ? ['--sse-c-copy-source', 'AES256', ...copyKey(site)] : []
        const names = [`s3://${bucket}/${from}`, `s3://${bucket}/${to}`]
        await aws('s3', 'cp', quiet, ...names, ...writeOptions(site, mode), ...source)
      },
      async list(bucket) {
        const text = await aws('s3api', 'list-objects-v2', '--bucket', bucket, '--output', 'json')
        const { Contents = [] } = JSON.parse(text || '{}') as { Contents?: { Key: string; Size: number }[] }
        return new Map(Contents.map(({ Key, Size }) => [Key, Size]))
      },
      remove: async (bucket, key) => void (await aws('s3', 'rm', quiet, `s3://${bucket}/${key}`)),
      async close() {},
    }
  },
}

function writeOptions(site: Site, mode: Mode): string[] {
  if (mode === 'sse-s3') return ['--sse', 'AES256']
  if (mode === 'sse-kms') return ['--sse', 'aws:kms', '--sse-kms-key-id', site.kmsKeyId]
  return customerOptions(site, mode)
}

function customerOptions(site: Site, mode: Mode): string[] {
  return mode === 'sse-c' ? ['--sse-c', 'AES256', '--sse-c-key', `fileb://${site.customerKeyFile}`] : []
}

function copyKey(site: Site): string[] {
  return ['--sse-c-copy-source-key', `fileb://${site.customerKeyFile}`]
}
