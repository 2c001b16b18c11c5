import { join } from 'node:path'
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { withDirectory } from '../support/files.ts'
import { makeMinioFolder } from '../support/minio-folder.ts'
import { runProgram, startProgram } from '../support/program.ts'
import { withServed } from '../support/served.ts'
import { readVectors } from '../support/vectors.ts'

const test = suite('cli/read-minio')

interface Vector {
  readonly bucket: string
  readonly key: string
  readonly fsJson: string
  readonly dataHex: string
}

const vectors = readVectors<readonly Vector[]>('minio-fs').filter(({ bucket }) => bucket === 'vec22')
const masterKey = Buffer.from(
  '6368616e676520746869732070617373776f726420746f206120736563726574',
  'hex',
).toString('base64')
const env = {
  MINIO_ROOT_USER: 'access',
  MINIO_ROOT_PASSWORD: 'the secret access key',
  MINIO_KMS_SECRET_KEY: `my-minio-key:${masterKey}`,
  SEALGATE_READ_MINIO: 'on',
}

test('a server on the folder of a MinIO, with MinIO’s variables, serves what MinIO has stored and takes new objects', () =>
  withServed(
    'server',
    async ({ url, directory, temporary }) => {
      const client = new S3Client({
        endpoint: url,
        region: 'us-east-1',
        credentials: { accessKeyId: 'access', secretAccessKey: 'the secret access key' },
        forcePathStyle: true,
        maxAttempts: 1,
      })
      const textOf = async (Key: string) => {
        const { Body } = await client.send(new GetObjectCommand({ Bucket: 'vec22', Key }))
        return Body?.transformToString()
      }
      try {
        for (const { key } of vectors) assert.is(await textOf(key), 'hello minio sse\n', key)
        const encryption = { ServerSideEncryption: 'AES256' } as const
        await client.send(
          new PutObjectCommand({ Bucket: 'vec22', Key: 'new', Body: 'of ours', ...encryption }),
        )
        assert.is(await textOf('new'), 'of ours')
        const { status, stdout, stderr } = await runProgram(['verify', directory], {
          ...env,
          TMPDIR: temporary,
        })
        assert.is(status, 0, stderr)
        assert.match(stdout, new RegExp(`^authentic +${vectors.length + 1} `, 'm'))
      } finally {
        client.destroy()
      }
    },
    {
      env,
      prepare(path) {
        const folder = makeMinioFolder({ path, remove: () => {} })
        for (const { bucket, key, fsJson, dataHex } of vectors) {
          folder.put(bucket, key, Buffer.from(dataHex, 'hex'), fsJson)
        }
      },
    },
  ))

test('a folder that no MinIO has written ends the server with one sentence that names it', () =>
  withDirectory(async (directory) => {
    const quiet = ['--address', '127.0.0.1:0', '--admin-address', 'off', '--control-admin-address', 'off']
    const program = startProgram(['server', join(directory, 'none'), ...quiet], env)
    try {
      const { status } = await program.ended
      assert.is(status, 1)
      assert.match(program.stderr(), /^sealgate: .*none.*$/m)
    } finally {
      await program.end('SIGKILL')
    }
  }))

test.run()
