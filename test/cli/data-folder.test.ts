import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { withDirectory } from '../support/files.ts'
import { runProgram, startProgram } from '../support/program.ts'
import { roundTrip } from '../support/served.ts'
import { sendSigned } from '../support/signed-request.ts'
import { skip } from '../support/skip.ts'

const test = suite('cli/data-folder')

/** Where nobody can make a folder, and several at once would be tried for ever. */
const nowhere = '/proc/none'
const reason = /^sealgate: ENOENT: .*, mkdir '\/proc\/none'$/m
const quiet = ['--address', '127.0.0.1:0', '--admin-address', 'off', '--control-admin-address', 'off']
const credentials = { SEALGATE_ACCESS_KEY: 'access', SEALGATE_SECRET_KEY: 'the secret access key' }
const kms = { SEALGATE_KMS_MASTER_KEY: `my-minio-key:${'5a'.repeat(32)}` }

/** A start that must fail: its arguments, its environment, its status, and what it says. */
const starts: readonly (readonly [string[], Record<string, string>, number, RegExp])[] = [
  [['server', `${nowhere}/data`, ...quiet], credentials, 1, reason],
  [['server', `${nowhere}/data`, ...quiet], { ...credentials, ...kms }, 1, reason],
  [['quickstart', nowhere, ...quiet], {}, 2, /^sealgate: \S+ cannot be made or written \(ENOENT\)$/m],
  [['control', '--address', `unix:${nowhere}/a/socket`], kms, 1, reason],
]

for (const [[command = '', ...rest], environment, expected, said] of starts) {
  const withKms = 'SEALGATE_KMS_MASTER_KEY' in environment ? ' with a KMS' : ''
  test(`${command}${withKms}: a folder that cannot be made is an error at once`, async () => {
    if (!existsSync('/proc/self')) return skip('a folder below /proc: run the tests on Linux')
    const { status, stderr } = await runProgram([command, ...rest], environment)
    assert.is(status, expected)
    assert.match(stderr, said)
  })
}

test('a disk that others have filled does not keep a server with a KMS from starting, and reading', () =>
  withDirectory(async (directory) => {
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=32m', 'tmpfs', directory], { stdio: 'ignore' })
    } catch {
      return skip('a start on a full disk: run the tests as root on Linux, so that they can mount a tmpfs')
    }
    const start = async () => {
      const program = startProgram(['server', directory, ...quiet], { ...credentials, ...kms })
      const [, url = ''] = await program.output(/"url":"([^"]+)"/)
      return { program, url }
    }
    const [accessKey, secretKey] = [credentials.SEALGATE_ACCESS_KEY, credentials.SEALGATE_SECRET_KEY]
    try {
      const first = await start()
      await roundTrip(first.url, { accessKeyId: accessKey, secretAccessKey: secretKey })
      assert.is((await first.program.end()).status, 0)
      const fill = () => writeFileSync(join(directory, 'fill'), Buffer.alloc(4096), { flag: 'a' })
      assert.throws(() => {
        for (;;) fill()
      }, /ENOSPC/)
      const again = await start()
      try {
        const signer = { accessKey, secretKey }
        const { body } = await sendSigned(again.url, { method: 'GET', target: '/photos/cat' }, signer)
        assert.is(body, 'a plain text')
        assert.match(again.program.stderr(), /"level":"warn"[^\n]*ENOSPC[^\n]*its record cannot be written/)
        const left = readdirSync(join(directory, '.sealgate')).filter((name) => name.startsWith('running'))
        assert.equal(left, [])
      } finally {
        await again.program.end()
      }
    } finally {
      execFileSync('umount', ['-l', directory])
    }
  }))

test.run()
