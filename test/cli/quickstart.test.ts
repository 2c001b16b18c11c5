import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { runProgram, startProgram } from '../support/program.ts'
import { childrenOf, filesBelow, isRunning, roundTrip, until, withServed } from '../support/served.ts'

const test = suite('cli/quickstart')

const secretFiles = ['access-key', 'secret-key', 'master-key']
const stopMs = 5_000
/** No port that somebody else may have. */
const quiet = ['--address', '127.0.0.1:0', '--admin-address', 'off', '--control-admin-address', 'off']

const read = (directory: string, name: string) =>
  readFileSync(join(directory, '.sealgate', name), 'utf8').trim()
const credentialsIn = (directory: string) => ({
  accessKeyId: read(directory, 'access-key'),
  secretAccessKey: read(directory, 'secret-key'),
})

test('a first start makes private keys, prints none of them, and serves encrypted objects', async () => {
  await withServed('quickstart', async ({ program, directory, temporary, url }) => {
    await program.output(/Ctrl-C ends it/)
    for (const name of secretFiles) {
      assert.is(statSync(join(directory, '.sealgate', name)).mode & 0o777, 0o600, name)
    }
    assert.is(statSync(join(directory, '.sealgate')).mode & 0o777, 0o700)
    const socket = filesBelow(temporary).find((path) => path.endsWith('control.sock'))
    assert.is(statSync(join(temporary, socket ?? '')).mode & 0o777, 0o600)
    assert.is(await roundTrip(url, credentialsIn(directory)), 'AES256')
    const text = program.stdout()
    for (const part of [
      url,
      'aws --endpoint-url',
      'mc alias set',
      join(directory, '.sealgate', 'secret-key'),
    ]) {
      assert.ok(text.includes(part), part)
    }
    assert.match(text, /master key lies beside the data/)
    await program.end()
    const output = program.stdout() + program.stderr()
    const [, masterKey = ''] = read(directory, 'master-key').split(':')
    for (const secret of [
      masterKey,
      Buffer.from(masterKey, 'hex').toString('base64'),
      read(directory, 'secret-key'),
    ]) {
      assert.not(output.includes(secret))
    }
    assert.not(output.includes('a plain text'))
    for (const path of filesBelow(directory)) {
      const stats = statSync(join(directory, path))
      if (stats.isFile()) assert.not(readFileSync(join(directory, path)).includes('a plain text'), path)
    }
  })
})

test('a second start finds the keys and the objects of the first', async () => {
  await withServed('quickstart', async ({ program, directory, url }) => {
    const credentials = credentialsIn(directory)
    await roundTrip(url, credentials)
    await program.end()
    const again = startProgram(['quickstart', directory, ...quiet])
    try {
      const [, secondUrl = ''] = await again.output(/serves S3 at (\S+),/)
      assert.equal(credentialsIn(directory), credentials)
      assert.is(await roundTrip(secondUrl, credentials), 'AES256')
    } finally {
      await again.end()
    }
  })
})

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  test(`${signal} ends all processes in time and leaves no socket`, async () => {
    await withServed('quickstart', async ({ program, temporary }) => {
      const children = childrenOf(program.pid)
      assert.is(children.length, 2)
      const startedAt = performance.now()
      const { status } = await program.end(signal)
      assert.ok(performance.now() - startedAt < stopMs)
      assert.is(status, 0)
      assert.equal(children.filter(isRunning), [])
      assert.equal(filesBelow(temporary), [])
    })
  })
}

test('a second signal ends what does not end by itself', async () => {
  await withServed('quickstart', async ({ program, temporary }) => {
    const children = childrenOf(program.pid)
    for (const pid of children) process.kill(pid, 'SIGSTOP')
    program.child.kill('SIGTERM')
    program.child.kill('SIGINT')
    assert.is((await program.ended).status, 1)
    await until(() => !children.some(isRunning))
    assert.equal(filesBelow(temporary), [])
  })
})

test('a signal while it starts ends it, and what it has started', async () => {
  const root = mkdtempSync(join(tmpdir(), 'sealgate-cli-'))
  const temporary = join(root, 'temporary')
  mkdirSync(temporary)
  const program = startProgram(['quickstart', join(root, 'data'), ...quiet], { TMPDIR: temporary })
  try {
    await until(() => childrenOf(program.pid).length > 0)
    const children = childrenOf(program.pid)
    assert.is((await program.end()).status, 0)
    assert.equal(children.filter(isRunning), [])
    assert.equal(filesBelow(temporary), [])
    assert.not(/sealgate:|"level":"(error|fatal)"/.test(program.stderr()), program.stderr())
  } finally {
    await program.end('SIGKILL')
    rmSync(root, { recursive: true, force: true })
  }
})

test('keys that others can read, or that are gone while objects are there, are refused', async () => {
  await withServed('quickstart', async ({ program, directory, url }) => {
    await roundTrip(url, credentialsIn(directory))
    await program.end()
    const masterKey = join(directory, '.sealgate', 'master-key')
    chmodSync(masterKey, 0o644)
    const readable = await runProgram(['quickstart', directory])
    assert.is(readable.status, 2)
    assert.match(readable.stderr, /chmod 600/)
    rmSync(masterKey)
    const gone = await runProgram(['quickstart', directory])
    assert.is(gone.status, 2)
    assert.match(gone.stderr, /put the key back/)
    writeFileSync(masterKey, 'nonsense', { mode: 0o600 })
    const nonsense = await runProgram(['quickstart', directory])
    assert.is(nonsense.status, 2)
    assert.not(nonsense.stderr.includes('nonsense'))
  })
})

test('a KMS of your own is for `sealgate server`', async () => {
  const { status, stderr } = await runProgram(['quickstart', '/nowhere'], {
    MINIO_SSE_MASTER_KEY: `my-key:${'5a'.repeat(32)}`,
  })
  assert.is(status, 2)
  assert.match(stderr, /MINIO_SSE_MASTER_KEY .*sealgate server/)
})

const longName = 'a'.repeat(100)
for (const [title, folder, temporaryFolder] of [
  ['a data folder that is a file', '/dev/null', '.'],
  ['a temporary folder that is not there', undefined, 'nowhere'],
  ['a temporary folder with too long a name', undefined, longName],
] as const) {
  test(`${title} is told in one line`, async () => {
    const root = mkdtempSync(join(tmpdir(), 'sealgate-cli-'))
    try {
      const temporary = join(root, 'temporary')
      mkdirSync(join(temporary, longName), { recursive: true })
      const { status, stdout, stderr } = await runProgram(
        ['quickstart', folder ?? join(root, 'data'), ...quiet],
        {
          TMPDIR: join(temporary, temporaryFolder),
        },
      )
      assert.is(status, 2)
      assert.is(stdout, '')
      assert.match(stderr, /^sealgate: (TMPDIR|\/dev\/null)[^\n]*\n$/)
      assert.equal(filesBelow(temporary), [longName])
    } finally {
      rmSync(root, { recursive: true, force: true })
    }
  })
}

test.run()
