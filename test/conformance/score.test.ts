import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { withDirectory } from '../support/files.ts'
import { readResults } from './score.ts'

const test = suite('conformance/score')

const testcase = (name: string, markers: string, inner = '') =>
  `<testcase name="${name}" time="0.1"><properties><property name="markers" value="${markers}"/></properties>${inner}</testcase>`

test('tests have their markers, and those that fail twice count once', async () => {
  await withDirectory(async (directory) => {
    const path = join(directory, 'report.xml')
    const cases = [
      testcase('good', 'copy encryption'),
      testcase('bad', '', '<failure message="assert 1 == 2&#10;and more">trace</failure>'),
      testcase('bad', '', '<error message="cleaning up">trace</error>'),
      testcase('left out', 'copy', '<skipped message="why"/>'),
      testcase('dirty', 'copy'),
      testcase('dirty', 'copy', '<error message="cleaning up">trace</error>'),
    ]
    writeFileSync(path, `<testsuites><testsuite>${cases.join('')}</testsuite></testsuites>`)
    assert.equal(readResults(path), [
      { name: 'good', markers: ['copy', 'encryption'], outcome: 'passed', reason: '' },
      { name: 'bad', markers: [], outcome: 'failed', reason: 'assert 1 == 2' },
      { name: 'left out', markers: ['copy'], outcome: 'skipped', reason: '' },
      { name: 'dirty', markers: ['copy'], outcome: 'failed', reason: 'cleaning up' },
    ])
  })
})

test.run()
