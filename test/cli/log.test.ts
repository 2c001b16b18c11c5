import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { closeSync, constants, existsSync, mkdtempSync, openSync, readSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { freePort } from '../../bench/support/programs.ts'
import { createLogTarget } from '../../cli/log-target.ts'
import { createMutualTls } from '../support/mutual-tls.ts'
import { until } from '../support/served.ts'
import { skip } from '../support/skip.ts'

const test = suite('cli/log')

const full = '/dev/full'
const main = fileURLToPath(new URL('../../cli/main.js', import.meta.url))
const lostLine = (lost: number) => `${lost} lost\n`

function withPipe(use: (pipe: { readonly fd: number; read(): string }) => void): void {
  const directory = mkdtempSync(join(tmpdir(), 'sealgate-log-'))
  const path = join(directory, 'pipe')
  execFileSync('mkfifo', [path])
  const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK)
  const bytes = Buffer.alloc(1024 * 1024)
  try {
    use({ fd, read: () => bytes.toString('latin1', 0, readSync(fd, bytes)) })
  } finally {
    closeSync(fd)
    rmSync(directory, { recursive: true })
  }
}

test('a line is written before anything else is done', () => {
  withPipe(({ fd, read }) => {
    const target = createLogTarget(fd, lostLine)
    target.write('one\n')
    target.write('two\n')
    assert.is(read(), 'one\ntwo\n')
  })
})

test('when lines can be written again, it ends the one that was begun, and says how many were lost', () => {
  withPipe(({ fd, read }) => {
    const target = createLogTarget(fd, lostLine)
    const long = `${'a'.repeat(100_000)}\n`
    target.write(long)
    target.write('not written\n')
    const begun = read()
    assert.ok(begun.length > 0 && begun.length < long.length)
    target.write('written\n')
    target.write('as well\n')
    assert.ok(begun + read() === `${long}1 lost\nwritten\nas well\n`)
  })
})

test('once a line was lost because its reader takes nothing, none waits until it does', () => {
  withPipe(({ fd, read }) => {
    const waited: number[] = []
    const target = createLogTarget(fd, lostLine, (ms) => void waited.push(ms))
    target.write(`${'a'.repeat(100_000)}\n`)
    target.write('not written\n')
    const before = waited.length
    assert.ok(before > 0)
    for (let line = 0; line < 100; line++) target.write('not written\n')
    assert.is(waited.length, before)
    const begun = read()
    target.write('written\n')
    assert.match(begun + read(), /\n101 lost\nwritten\n$/)
  })
})

if (!existsSync(full)) skip(`a log that cannot be written: there is no ${full}`)
else {
  test('a command whose answer cannot be written says so, and its status is 1', async () => {
    const tls = await createMutualTls()
    const target = openSync(full, 'w')
    try {
      const { certFile } = (await tls.issue('client')).files
      const identity = [main, 'identity', certFile]
      const { status, stderr } = spawnSync(process.execPath, identity, {
        stdio: ['ignore', target, 'pipe'],
        encoding: 'utf8',
      })
      assert.is(status, 1)
      assert.is(stderr, 'sealgate: what there is to print cannot be written (ENOSPC)\n')
    } finally {
      closeSync(target)
      tls.close()
    }
  })

  test('a server whose log cannot be written serves, and ends in order', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'sealgate-log-'))
    const address = `127.0.0.1:${await freePort()}`
    const off = ['--admin-address', 'off', '--control-admin-address', 'off']
    const log = openSync(full, 'w')
    const child = spawn(process.execPath, [main, 'server', directory, '--address', address, ...off], {
      env: {
        PATH: process.env.PATH,
        TMPDIR: tmpdir(),
        SEALGATE_ACCESS_KEY: 'access',
        SEALGATE_SECRET_KEY: 'secret-key',
        SEALGATE_KMS_MASTER_KEY: `my-key:${'5a'.repeat(32)}`,
      },
      stdio: ['ignore', 'ignore', log],
    })
    const ended = new Promise((resolve) => child.once('exit', resolve))
    const status = () =>
      fetch(`http://${address}`).then(
        (response) => response.status,
        () => 0,
      )
    try {
      await until(async () => child.exitCode !== null || (await status()) !== 0)
      assert.is(await status(), 403)
      assert.is(await status(), 403)
      child.kill()
      assert.is(await ended, 0)
    } finally {
      child.kill('SIGKILL')
      await ended
      closeSync(log)
      rmSync(directory, { recursive: true })
    }
  })
}

test.run()
