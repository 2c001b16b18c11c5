import { existsSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { runProgram } from '../support/program.ts'
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

test.run()
