import { createHash } from 'node:crypto'
import { command, type Driver, type Mode, type Site, versionOf } from './driver.ts'

const prefix = 'x-amz-server-side-encryption'
const copyPrefix = 'x-amz-copy-source-server-side-encryption'

/** Signs by itself (`--aws-sigv4`); everything goes in one request. */
export const curl: Driver = {
  name: 'curl',
  modes: ['plain', 'auto', 'sse-s3', 'sse-kms', 'sse-c'],
  version: () => versionOf('curl', ['--version'], /curl (\S+)/),
  async open(site) {
    const request = (address: string, ...words: string[]) => {
      const signed = [
        '--aws-sigv4',
        `aws:amz:${site.region}:s3`,
        '--user',
        `${site.accessKey}:${site.secretKey}`,
      ]
      // It does not send this by itself, and S3 wants it.
      const payload = ['--header', 'x-amz-content-sha256: UNSIGNED-PAYLOAD']
      const transport = ['--silent', '--show-error', '--fail-with-body', '--cacert', site.caFile]
      return command('curl', [...transport, ...signed, ...payload, ...words, `${site.url}/${address}`])
    }
    return {
      createBucket: async (bucket) => void (await request(bucket, '--request', 'PUT')),
      put: async (file, bucket, key, mode) =>
        void (await request(path(bucket, key), '--upload-file', file, ...headers(writeFields(site, mode)))),
      get: async (bucket, key, file, mode) =>
        void (await request(path(bucket, key), '--output', file, ...headers(keyFields(site, mode, prefix)))),
      copy: async (bucket, from, to, mode) => {
        const fields = { 'x-amz-copy-source': path(bucket, from), ...keyFields(site, mode, copyPrefix) }
        const words = headers({ ...fields, ...writeFields(site, mode) })
        const answer = await request(path(bucket, to), '--request', 'PUT', ...words)
        // The status of a copy is sent before it is done.
        if (!answer.includes('<CopyObjectResult')) throw new Error(answer)
      },
      async list(bucket) {
        const items = (await request(`${bucket}?list-type=2`)).matchAll(/<Contents>.*?<\/Contents>/gs)
        return new Map([...items].map(([item]) => [textOf(item, 'Key'), Number(textOf(item, 'Size'))]))
      },
      remove: async (bucket, key) => void (await request(path(bucket, key), '--request', 'DELETE')),
      async close() {},
    }
  },
}

function path(bucket: string, key: string): string {
  return `${bucket}/${key.split('/').map(encodeURIComponent).join('/')}`
}

function textOf(item: string, name: string): string {
  return new RegExp(`<${name}>(.*?)</${name}>`).exec(item)?.[1] ?? ''
}

function headers(fields: Readonly<Record<string, string>>): string[] {
  return Object.entries(fields).flatMap(([name, value]) => ['--header', `${name}: ${value}`])
}

function writeFields(site: Site, mode: Mode): Record<string, string> {
  if (mode === 'sse-s3') return { [prefix]: 'AES256' }
  if (mode === 'sse-kms') return { [prefix]: 'aws:kms', [`${prefix}-aws-kms-key-id`]: site.kmsKeyId }
  return keyFields(site, mode, prefix)
}

function keyFields(site: Site, mode: Mode, before: string): Record<string, string> {
  if (mode !== 'sse-c') return {}
  return {
    [`${before}-customer-algorithm`]: 'AES256',
    [`${before}-customer-key`]: Buffer.from(site.customerKey).toString('base64'),
    [`${before}-customer-key-MD5`]: createHash('md5').update(site.customerKey).digest('base64'),
  }
}
