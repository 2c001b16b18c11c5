import { command, type Driver, type Mode, type Site, versionOf } from './driver.ts'

export const s3cmd: Driver = {
  name: 's3cmd',
  modes: ['plain', 'auto', 'sse-s3', 'sse-kms'],
  version: () => versionOf('s3cmd', ['--version'], /version (\S+)/),
  async open(site) {
    const { host, protocol } = new URL(site.url)
    const transport = protocol === 'https:' ? ['--ssl', `--ca-certs=${site.caFile}`] : ['--no-ssl']
    const common = [
      '--config=/dev/null',
      '--no-progress',
      `--host=${host}`,
      `--host-bucket=${host}`,
      `--access_key=${site.accessKey}`,
      `--secret_key=${site.secretKey}`,
      `--region=${site.region}`,
      ...transport,
    ]
    const run = (...words: string[]) => command('s3cmd', [...common, ...words])
    return {
      createBucket: async (bucket) => void (await run('mb', `s3://${bucket}`)),
      put: async (file, bucket, key, mode) =>
        void (await run('put', ...options(site, mode), file, `s3://${bucket}/${key}`)),
      get: async (bucket, key, file) => void (await run('get', '--force', `s3://${bucket}/${key}`, file)),
      copy: async (bucket, from, to, mode) =>
        void (await run('cp', ...options(site, mode), `s3://${bucket}/${from}`, `s3://${bucket}/${to}`)),
      async list(bucket) {
        const lines = (await run('ls', '--recursive', `s3://${bucket}`)).trim().split('\n')
        return new Map(
          lines
            .map((line) => /^\S+ \S+\s+(\d+)\s+s3:\/\/[^/]+\/(.*)$/.exec(line))
            .flatMap((match) => (match === null ? [] : [[match[2] ?? '', Number(match[1])] as const])),
        )
      },
      remove: async (bucket, key) => void (await run('del', `s3://${bucket}/${key}`)),
      async close() {},
    }
  },
}

function options(site: Site, mode: Mode): string[] {
  if (mode === 'sse-s3') return ['--server-side-encryption']
  return mode === 'sse-kms'
    ? ['--server-side-encryption', `--server-side-encryption-kms-id=${site.kmsKeyId}`]
    : []
}
