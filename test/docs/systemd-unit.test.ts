import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { withDirectory } from '../support/files.ts'
import { runProgram } from '../support/program.ts'
import { skip } from '../support/skip.ts'

/** The unit of docs/operations.md. */

const test = suite('docs/systemd-unit')

const page = readFileSync(new URL('../../../docs/operations.md', import.meta.url), 'utf8')
const unit = /^```ini\n([\s\S]*?)^```$/m.exec(page)?.[1] ?? ''
const setting = (name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(unit)?.[1]

test('a mistake in the configuration is not tried again, and nothing else makes systemd give up', async () => {
  assert.is(setting('Restart'), 'on-failure')
  const { status } = await runProgram(['server', '/nowhere'], {})
  assert.is(setting('RestartPreventExitStatus'), String(status))
  // systemd.unit(5), StartLimitBurst=: five starts in ten seconds.
  assert.ok(Number(setting('RestartSec')) > 10 / 5)
})

if (spawnSync('systemd-analyze', ['--version']).error !== undefined) {
  skip('the unit of docs/operations.md: install systemd-analyze')
} else {
  test('systemd knows every setting of it', () =>
    withDirectory(async (directory) => {
      const file = join(directory, 'sealgate.service')
      writeFileSync(file, unit.replace('/usr/bin/node', process.execPath))
      const { status, stderr } = spawnSync('systemd-analyze', ['verify', file], { encoding: 'utf8' })
      assert.equal([status, stderr], [0, ''])
    }))
}

test.run()
