import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { CreateBucketCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { withDirectory } from '../support/files.ts'
import { credential } from '../support/gateway-front-end.ts'
import { type Program, runProgram, startProgram } from '../support/program.ts'
import { withClient } from '../support/s3-client.ts'
import { startUpstreamStore } from '../support/upstream-store.ts'

const test = suite('cli/verify')

const kms = { SEALGATE_KMS_MASTER_KEY: `my-minio-key:${'5a'.repeat(32)}` }
const clients = { SEALGATE_ACCESS_KEY: credential.accessKey, SEALGATE_SECRET_KEY: credential.secretKey }
const off = ['--address', '127.0.0.1:0', '--admin-address', 'off', '--control-admin-address', 'off']
const large = Buffer.alloc(2_000_000, 'some words ')

/** Runs a server, with the objects in its bucket. */
async function withObjects(
  program: Program,
  keys: readonly string[],
  work: () => Promise<void> = async () => {},
): Promise<void> {
  try {
    const [, url = ''] = await program.output(/"url":"([^"]+)","msg":"the front-end is listening/)
    await withClient(
      url,
      async (client) => {
        await client.send(new CreateBucketCommand({ Bucket: 'bucket' }))
        for (const Key of keys) {
          const object = { Bucket: 'bucket', Key, Body: large, ServerSideEncryption: 'AES256' } as const
          await client.send(new PutObjectCommand(object))
        }
      },
      { by: credential },
    )
    await work()
  } finally {
    await program.end()
  }
}

/** The table's numbers, by the first word of their line. */
function rowsOf(text: string): Record<string, number> {
  const rows = [...text.matchAll(/^(\S+) +(\d+)(?: {2}.*)?$/gm)]
  return Object.fromEntries(rows.map(([, name, count]) => [name, Number(count)]))
}

const none = { authentic: 0, equal: 0, plain: 0, 'SSE-C': 0, gone: 0, failed: 0 }

test('`sealgate verify` reads a store beside its server and without it, and names what is lost', () =>
  withDirectory(async (directory) => {
    const env = { ...clients, ...kms, TMPDIR: directory }
    const store = join(directory, 'store')
    await withObjects(startProgram(['server', store, ...off], env), ['one', 'two\n'], async () => {
      const beside = await runProgram(['verify', store], { TMPDIR: directory })
      assert.equal([beside.status, rowsOf(beside.stdout)], [0, { ...none, authentic: 2 }], beside.stderr)
    })
    const without = await runProgram(['verify', store], env)
    assert.equal([without.status, rowsOf(without.stdout)], [0, { ...none, authentic: 2 }], without.stderr)
    assert.match(without.stdout, /^3\.8 MiB read$/m)

    const noKms = await runProgram(['verify', store], { TMPDIR: directory })
    assert.is(noKms.status, 1)
    assert.match(noKms.stderr, 'no KMS is configured')
  }))

test('what is wrong is a line, and one that programs read with --json', () =>
  withDirectory(async (directory) => {
    const env = { ...clients, ...kms, TMPDIR: directory }
    const store = join(directory, 'store')
    await withObjects(startProgram(['server', store, ...off], env), ['two\n'])
    const data = join(store, '.sealgate', 'data')
    const files = readdirSync(data, { recursive: true, withFileTypes: true })
    for (const file of files) if (file.isFile()) rmSync(join(file.parentPath, file.name))
    const { status, stdout } = await runProgram(['verify', store], env)
    assert.equal([status, rowsOf(stdout)], [1, { ...none, failed: 1 }])
    assert.match(stdout, /^failed: "bucket\/two\\n": unexpected-eof: [^\n]+ is lost\n/)
    const json = await runProgram(['verify', store, '--json'], env)
    assert.is(json.status, 1)
    const [failure, report, ...rest] = json.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    assert.equal(rest, [])
    assert.is(failure.failure.key, 'two\n')
    assert.is(report.report.failed, 1)
  }))

test('a run that is ended tells where the next one can begin, and leaves nothing behind', () =>
  withDirectory(async (directory) => {
    const env = { ...clients, ...kms, TMPDIR: directory }
    const store = join(directory, 'store')
    await withObjects(startProgram(['server', store, ...off], env), ['one'])
    const program = startProgram(['verify', store, '--mib-per-second', '0.001'], env)
    const before = () => readdirSync(directory).filter((name) => name !== 'store')
    while (before().length === 0) await new Promise((resolve) => setTimeout(resolve, 20))
    const { status, signal } = await program.end('SIGINT')
    assert.equal([status, signal], [1, null])
    assert.match(program.stderr(), 'not all was read: it was ended')
    assert.equal(before(), [])
  }))

test('`sealgate verify --gateway` reads the objects behind a gateway, and counts those that are not its own', async () => {
  const upstream = await startUpstreamStore()
  try {
    await withDirectory(async (directory) => {
      const env = {
        ...clients,
        ...kms,
        SEALGATE_BACKEND_ACCESS_KEY: credential.accessKey,
        SEALGATE_BACKEND_SECRET_KEY: credential.secretKey,
        TMPDIR: directory,
      }
      await withObjects(startProgram(['gateway', 's3', upstream.url, ...off], env), ['one', 'two'])
      const plain = { Bucket: 'bucket', Key: 'plain', Body: 'some words' }
      await withClient(upstream.url, (client) => client.send(new PutObjectCommand(plain)), { by: credential })
      const done = await runProgram(['verify', '--gateway', upstream.url], env)
      assert.equal([done.status, rowsOf(done.stdout)], [0, { ...none, authentic: 2, plain: 1 }], done.stderr)
      const half = { Bucket: 'bucket', Key: 'two', Body: large.subarray(0, 70_000) }
      await withClient(upstream.url, (client) => client.send(new PutObjectCommand(half)), { by: credential })
      const some = await runProgram(['verify', '--gateway', upstream.url, '--prefix', 'two'], env)
      assert.equal(rowsOf(some.stdout), { ...none, plain: 1 }, some.stderr)
    })
  } finally {
    await upstream.close()
  }
})

test('a mistake in what is asked for has status 2, and nothing is read', async () => {
  for (const [given, says] of [
    [[], 'name a data folder, or --gateway'],
    [['.', '--bucket', 'No'], '--bucket'],
    [['.', '--after', 'bucket'], '--after'],
    [['.', '--mib-per-second', '0'], '--mib-per-second'],
  ] as const) {
    const { status, stderr, stdout } = await runProgram(['verify', ...given], { ...clients, ...kms })
    assert.equal([status, stdout], [2, ''], given.join(' '))
    assert.match(stderr, says)
  }
})

test.run()
