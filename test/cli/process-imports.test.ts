import { execFileSync } from 'node:child_process'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

const test = suite('cli/process-imports')

/** What takes long to load: each a tenth of a second of processor time, or with what uses it much more. */
const packages = [
  'undici',
  'piscina',
  'node-vault',
  '@photostructure/sqlite',
  '@grpc/grpc-js',
  'hash-wasm',
] as const

/** Those of them that a new process has loaded with a module of cli; they are CommonJS, which tells what it has loaded. */
function loadedWith(module: string): readonly string[] {
  const url = new URL(`../../cli/${module}.js`, import.meta.url).href
  const script = `import(${JSON.stringify(url)}).then(() => {
    process.stdout.write(Object.keys(require.cache).join('\\n'), () => process.exit())
  })`
  const loaded = execFileSync(process.execPath, ['-e', script], { encoding: 'utf8' })
  return packages.filter((name) => loaded.includes(`/node_modules/${name}/`))
}

test('what starts and supervises the processes loads nothing of what they do', () => {
  for (const module of ['system', 'server', 'gateway', 'quickstart', 'operator-commands'])
    assert.equal(loadedWith(module), [], module)
})

test('a front-end loads nothing of a store before it knows which', () => {
  assert.equal(loadedWith('front-end-process'), ['piscina', '@grpc/grpc-js'])
})

test('control loads nothing of a KMS before it knows which', () => {
  assert.equal(loadedWith('control-process'), ['@grpc/grpc-js'])
})

test.run()
