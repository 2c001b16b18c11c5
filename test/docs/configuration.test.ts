import { readdirSync, readFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { variables } from '../../cli/variables.ts'

const test = suite('docs/configuration')
const page = readFileSync(new URL('../../../docs/configuration.md', import.meta.url), 'utf8')
const documented = new Set(
  page.match(/`(?:SEALGATE|MINIO|AWS)_[A-Z0-9_]+`/g)?.map((name) => name.slice(1, -1)),
)

test('every name of every variable is described', () => {
  const missing = Object.values(variables)
    .flatMap(({ names }) => names)
    .filter((name) => !documented.has(name))
  assert.equal(missing, [])
})

test('every option of every command is described', () => {
  const textOf = (folder: URL, ending: string) =>
    readdirSync(folder)
      .filter((name) => name.endsWith(ending))
      .map((name) => readFileSync(new URL(name, folder), 'utf8'))
      .join('\n')
  const options = textOf(new URL('../../../cli/', import.meta.url), '.ts').matchAll(/option\('(--[a-z-]+)/g)
  const docs = textOf(new URL('../../../docs/', import.meta.url), '.md')
  const names = [...new Set([...options].map(([, name = '']) => name))]
  assert.ok(names.length > 8)
  assert.equal(
    names.filter((name) => !new RegExp(`\`[^\`]*${name}\\b|${name} `).test(docs)),
    [],
  )
})

test('nothing is described that no longer exists', () => {
  const known = new Set<string>(Object.values(variables).flatMap(({ names }) => names))
  const unknown = [...documented].filter((name) => !known.has(name) && !known.has(name.replace(/_FILE$/, '')))
  assert.equal(unknown, [])
})

test.run()
