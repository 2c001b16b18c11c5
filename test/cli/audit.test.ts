import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { AuditLog } from '../../control/audit/audit.ts'
import { runProgram, startProgram } from '../support/program.ts'

const test = suite('cli/audit')

test('`sealgate audit verify` says that an audit is unbroken, or where it is not', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sealgate-audit-'))
  try {
    const file = join(folder, 'audit.log')
    const audit = new AuditLog(
      { file, fileSizeMax: 4096, sync: 'second', optional: false },
      { log: pino({ enabled: false }), registry: new Registry() },
    )
    await audit.open()
    const caller = { identity: 'unix:0', peer: 'unix' }
    const use = { operation: 'Decrypt', keyId: 'key', context: {}, outcome: 'ok', cached: true } as const
    for (let line = 0; line < 3; line++) await audit.append([{ ...caller, ...use }])
    await audit.close()
    const files = [file, `${file}.head`]
    const whole = await runProgram(['audit', 'verify', ...files])
    assert.is(whole.status, 0)
    assert.match(whole.stdout, /^unbroken: lines 1 to 3, hash [0-9a-f]{64}\n$/)
    const unnamed = await runProgram(['audit', 'verify', folder])
    assert.equal(
      [unnamed.status, unnamed.stderr],
      [1, `sealgate: ${folder} is a folder: name the files of the audit\n`],
    )
    const lines = readFileSync(file, 'utf8')
    writeFileSync(file, lines.replace('"sequence":2', '"sequence":9'))
    const damaged = await runProgram(['audit', 'verify', ...files])
    assert.is(damaged.status, 1)
    assert.is(damaged.stdout, '')
    assert.match(
      damaged.stderr,
      /^sealgate: the audit is damaged: \S+audit\.log, line 2: was changed[^\n]*\n$/,
    )
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

test('an audit has one writer: another control service is told so, and takes over when that one was killed', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sealgate-audit-'))
  const file = join(folder, 'audit.log')
  const env = { SEALGATE_KMS_MASTER_KEY: `key:${'5a'.repeat(32)}`, SEALGATE_AUDIT_FILE: file }
  const start = (name: string) => startProgram(['control', '--address', `unix:${join(folder, name)}`], env)
  const first = start('first.sock')
  try {
    await first.output(/control is listening/)
    const second = start('second.sock')
    assert.is((await second.ended).status, 1)
    const told = `sealgate: the audit cannot be written: ${file} is written by another control service`
    assert.ok(second.stderr().includes(told), second.stderr())
    await first.end('SIGKILL')
    const third = start('second.sock')
    await third.output(/control is listening/)
    await third.end()
  } finally {
    await first.end('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  }
})

test('an error that nothing expected ends a process without showing what a library has hung on it', () => {
  const guards = new URL('../../cli/guards.js', import.meta.url).href
  const script = `
    const { guardProcess } = await import('${guards}')
    guardProcess('tested')
    setTimeout(() => { throw Object.assign(new Error('lost'), { config: { token: 's.secret' } }) })
    setTimeout(() => {}, 10_000)`
  const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
  })
  assert.is(status, 1)
  assert.match(stderr, /"process":"tested".*"message":"lost"/)
  assert.not(stderr.includes('s.secret'))
})

test.run()
