import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { runProgram, startProgram } from '../support/program.ts'
import { skip } from '../support/skip.ts'

const test = suite('docs/control-clients')

const root = fileURLToPath(new URL('../../../', import.meta.url))
const page = readFileSync(join(root, 'docs/control-plane.md'), 'utf8')
const exampleAddress = 'control.example:7000'

/** The first block of this language, or another one. */
function block(language: string, index = 0): string {
  const blocks = [...page.matchAll(new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, 'gs'))]
  const found = blocks[index]?.[1]
  if (found === undefined) throw new Error(`docs/control-plane.md has no block ${index} of ${language}`)
  return found
}

function run(directory: string, command: string, programArguments: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(command, programArguments, {
    cwd: directory,
    encoding: 'utf8',
  })
  assert.is(status, 0, stderr)
  return stdout
}

/** The page's certificates and policy, a control service with them, and a folder from which its clients run. */
async function withExample(
  use: (example: { directory: string; address: string }) => Promise<void>,
): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'sealgate-docs-'))
  try {
    run(directory, 'sh', ['-e', '-c', block('sh')])
    const { stdout } = await runProgram(['identity', join(directory, 'client.pem')])
    const policy = block('json').replaceAll(/sha256:fedc[0-9a-f]+/g, stdout.trim())
    writeFileSync(join(directory, 'policy.json'), policy)
    copyFileSync(join(root, 'proto/kms.proto'), join(directory, 'kms.proto'))
    symlinkSync(join(root, 'node_modules'), join(directory, 'node_modules'))
    const control = startProgram(['control', '--address', '127.0.0.1:0'], {
      SEALGATE_KMS_MASTER_KEY: `billing-key:${'5a'.repeat(32)}`,
      SEALGATE_CONTROL_CERT_FILE: join(directory, 'server.pem'),
      SEALGATE_CONTROL_KEY_FILE: join(directory, 'server.key'),
      SEALGATE_CONTROL_CA_FILE: join(directory, 'ca.pem'),
      SEALGATE_CONTROL_POLICY_FILE: join(directory, 'policy.json'),
    })
    try {
      const [, address = ''] = await control.output(/"address":"([^"]+)"/)
      await use({ directory, address })
    } finally {
      await control.end()
    }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

const hasOpenssl = spawnSync('openssl', ['version']).status === 0
const hasGrpcio = spawnSync('python3', ['-c', 'import grpc, grpc_tools']).status === 0

if (!hasOpenssl) skip('docs/control-plane.md: install openssl')
else {
  test('the ten lines for Node get a data key and open it again', async () => {
    await withExample(async ({ directory, address }) => {
      writeFileSync(join(directory, 'client.mjs'), block('js').replace(exampleAddress, address))
      assert.is(run(directory, process.execPath, ['client.mjs']), 'billing-key true\n')
    })
  })

  test('the lines for a stream open a thousand keys', async () => {
    await withExample(async ({ directory, address }) => {
      const begun = block('js').replace(exampleAddress, address).replace('keys.close()\n', '')
      writeFileSync(join(directory, 'client.mjs'), begun + block('js', 1))
      assert.is(run(directory, process.execPath, ['client.mjs']), 'billing-key true\ntrue\n')
    })
  })

  if (!hasGrpcio) skip('docs/control-plane.md, Python: pip install grpcio grpcio-tools')
  else {
    test('the ten lines for Python get a data key and open it again', async () => {
      await withExample(async ({ directory, address }) => {
        writeFileSync(join(directory, 'client.py'), block('python').replace(exampleAddress, address))
        assert.is(run(directory, 'python3', ['client.py']), 'billing-key True\n')
      })
    })
  }

  test('what the page’s policy does not grant is refused', async () => {
    await withExample(async ({ directory, address }) => {
      const other = block('js').replace(exampleAddress, address).replace("invoices: '", "letters: '")
      writeFileSync(join(directory, 'client.mjs'), other)
      const { status, stderr } = spawnSync(process.execPath, ['client.mjs'], {
        cwd: directory,
        encoding: 'utf8',
      })
      assert.is.not(status, 0)
      assert.match(stderr, /PERMISSION_DENIED/)
    })
  })
}

test.run()
