import { join } from 'node:path'
import { command, type Driver, type Mode, versionOf } from './driver.ts'

// Started from the repository: a Python file is not compiled into dist.
const script = join(process.cwd(), 'test', 'clients', 'boto-driver.py')

export const boto3: Driver = {
  name: 'boto3',
  modes: ['plain', 'auto', 'sse-s3', 'sse-kms', 'sse-c'],
  version: () => versionOf('python3', ['-c', 'import boto3; print(boto3.__version__)'], /(\S+)/),
  async open(site) {
    const env = {
      AWS_ACCESS_KEY_ID: site.accessKey,
      AWS_SECRET_ACCESS_KEY: site.secretKey,
      AWS_DEFAULT_REGION: site.region,
      AWS_CA_BUNDLE: site.caFile,
      SITE_URL: site.url,
      KMS_KEY_ID: site.kmsKeyId,
      CUSTOMER_KEY: site.customerKey,
    }
    const run = (mode: Mode, ...words: string[]) => command('python3', [script, mode, ...words], env)
    return {
      createBucket: async (bucket) => void (await run('plain', 'mb', bucket)),
      put: async (file, bucket, key, mode) => void (await run(mode, 'put', file, bucket, key)),
      get: async (bucket, key, file, mode) => void (await run(mode, 'get', bucket, key, file)),
      copy: async (bucket, from, to, mode) => void (await run(mode, 'copy', bucket, from, to)),
      async list(bucket) {
        const sizes = JSON.parse(await run('plain', 'list', bucket)) as Record<string, number>
        return new Map(Object.entries(sizes))
      },
      remove: async (bucket, key) => void (await run('plain', 'remove', bucket, key)),
      async close() {},
    }
  },
}
