import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { readVectors } from '../support/vectors.ts'

const test = suite('docs/minio')

const page = readFileSync(new URL('../../../docs/minio.md', import.meta.url), 'utf8')

/** Entries of key stores of the releases that they are named by, all of one key. */
const { entries, masterKey } = readVectors<{
  readonly entries: Readonly<Record<string, string>>
  readonly masterKey: string
}>('kes')

test('the key comes out of the entry of a KES, of whichever release', () => {
  const [kesKey = ''] = /^kes_key\(\) \{$[\s\S]*?^\}$/m.exec(page) ?? []
  assert.ok(Object.keys(entries).length >= 6)
  for (const [release, entry] of Object.entries(entries)) {
    const printed = execFileSync('sh', ['-euc', `${kesKey}\nkes_key`], { input: entry, encoding: 'utf8' })
    assert.is(printed.trim(), masterKey, release)
  }
})

test.run()
