import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { followFiles } from '../../files/followed-files.ts'
import { withDirectory } from '../support/files.ts'
import { until } from '../support/served.ts'

const test = suite('files/followed-files')

test('contents that are refused, or gone, leave the value and are told once, and so is that all is well again', () =>
  withDirectory(async (directory) => {
    const [first, second] = [join(directory, 'first'), join(directory, 'second')]
    // In one step: half of a file would be refused, and told.
    const writeTo = (path: string, text: string) => {
      writeFileSync(`${path}.new`, text)
      renameSync(`${path}.new`, path)
    }
    const told: string[] = []
    let looks = 0
    const parse = (contents: readonly Buffer[]) => {
      looks++
      const text = Buffer.concat(contents).toString()
      if (text.startsWith('bad')) throw new Error('refused')
      return text
    }
    writeTo(first, 'a')
    writeTo(second, '1')
    const followed = followFiles([first, second], parse, {
      intervalMs: 5,
      changed: (value) => told.push(value),
      refused: (error) => told.push(error instanceof Error && 'code' in error ? 'gone' : String(error)),
    })
    try {
      assert.is(followed.current(), 'a1')
      rmSync(second)
      await until(() => told.length === 1)
      writeTo(second, '1')
      await until(() => told.length === 2)
      writeTo(first, 'bad')
      await until(() => told.length === 3)
      assert.is(followed.current(), 'a1')
      writeTo(first, 'b')
      await until(() => told.length === 4)
      const after = looks
      // Many looks later nothing was parsed that has not changed.
      await new Promise((resolve) => setTimeout(resolve, 50))
      assert.is(looks, after)
      assert.equal(told, ['gone', 'a1', 'Error: refused', 'b1'])
    } finally {
      followed.close()
    }
  }))

test('the first contents have to be good', () =>
  withDirectory(async (directory) => {
    const options = { intervalMs: 5, changed: () => {}, refused: () => {} }
    assert.throws(() => followFiles([join(directory, 'none')], String, options), /ENOENT/)
  }))

test.run()
