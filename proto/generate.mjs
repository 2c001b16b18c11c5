// Generates the TypeScript types of proto/*.proto into proto/gen; `--check` compares instead of writing.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('.', import.meta.url))
const committed = join(root, 'gen')
const checking = process.argv.includes('--check')
const target = checking ? mkdtempSync(join(tmpdir(), 'sealgate-proto-')) : committed
const generator = fileURLToPath(
  new URL('../bin/proto-loader-gen-types.js', import.meta.resolve('@grpc/proto-loader')),
)

if (!checking) rmSync(committed, { recursive: true, force: true })
execFileSync(
  process.execPath,
  [
    generator,
    '--longs=Number',
    '--enums=String',
    '--defaults',
    '--oneofs',
    '--includeComments',
    '--grpcLib=@grpc/grpc-js',
    '--inputTemplate=%sInput',
    '--outputTemplate=%s',
    '--importFileExtension=.ts',
    `--outDir=${target}`,
    'kms.proto',
    'envelope.proto',
    '--includeDirs',
    root,
  ],
  { cwd: root, stdio: 'inherit' },
)

const files = (directory) =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)))
    .sort()

// envelope.proto has messages only; its index would hold nothing but unused imports.
rmSync(join(target, 'envelope.ts'))

// The generator writes the absolute path of its input into each file; keep what is the same on every machine. Its one `any` gets
// its reason.
const subtype = 'type SubtypeConstructor<'
const whyAny =
  '// any: matches constructors of every client class, whatever they take; the generator writes it so.\n'
for (const name of files(target)) {
  const path = join(target, name)
  const text = readFileSync(path, 'utf8')
    .replaceAll(root, 'proto/')
    .replace(subtype, whyAny + subtype)
  writeFileSync(path, text)
}

if (checking) {
  const [want, have] = [files(target), files(committed)]
  const stale = [...new Set([...want, ...have])].filter(
    (name) =>
      !want.includes(name) ||
      !have.includes(name) ||
      !readFileSync(join(target, name)).equals(readFileSync(join(committed, name))),
  )
  rmSync(target, { recursive: true, force: true })
  if (stale.length > 0) {
    console.error(`generated types are not up to date, run \`npm run generate\`: ${stale.join(', ')}`)
    process.exit(1)
  }
}
