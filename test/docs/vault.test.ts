import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { runProgram } from '../support/program.ts'
import { findVaultProgram, realRootToken, startRealVault } from '../support/real-vault.ts'
import { skip } from '../support/skip.ts'
import { seedPolicy } from '../support/vault/seed.ts'

const test = suite('docs/vault')

const page = readFileSync(new URL('../../../docs/vault.md', import.meta.url), 'utf8')
const blocks = [...page.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block = '']) => block)

/** The block that has the text. */
function blockWith(text: string): string {
  const found = blocks.filter((block) => block.includes(text))
  assert.is(found.length, 1, `one block with ${text}`)
  return found[0] ?? ''
}

test('the walk-through grants the policy that the tests hold to', () => {
  assert.ok(blockWith('vault auth enable approle').includes(seedPolicy('my-minio-key')))
})

const program = findVaultProgram(process.env)
if (program === undefined) {
  skip('the commands of docs/vault.md: install vault or bao, or set VAULT_BIN')
} else {
  test('the commands of the page do on a real Vault what it says', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sealgate-docs-'))
    const vault = await startRealVault(program)
    try {
      mkdirSync(join(folder, 'bin'))
      symlinkSync(program, join(folder, 'bin', 'vault'))
      const run = createShell(folder, vault.endpoint)
      await run(blockWith('vault auth enable approle'))
      const role = 'auth/approle/role/my-role'
      const roleId = (await run(`vault read -field=role_id ${role}/role-id`)).trim()
      const first = (await run(`vault write -f -field=secret_id ${role}/secret-id`)).trim()
      const env = {
        MINIO_SSE_VAULT_ENDPOINT: vault.endpoint,
        MINIO_SSE_VAULT_APPROLE_ID: roleId,
        MINIO_SSE_VAULT_KEY_NAME: 'my-minio-key',
        MINIO_SSE_VAULT_AUTH_TYPE: 'approle',
      }
      const doctor = (secret: Readonly<Record<string, string>>) =>
        runProgram(['doctor'], { ...env, ...secret })
      assert.match((await doctor({ MINIO_SSE_VAULT_APPROLE_SECRET: first })).stdout, /was made \(v1\)/)

      await run(blockWith('transit/keys/my-minio-key/rotate'))
      await run(blockWith('secret-id/destroy').replace('THE_OLD_ONE', first))
      const rotated = await doctor({ MINIO_SSE_VAULT_APPROLE_SECRET_FILE: join(folder, 'approle-secret') })
      assert.is(rotated.status, 0, rotated.stdout)
      assert.match(rotated.stdout, /was made \(v2\)/)
      assert.match((await doctor({ MINIO_SSE_VAULT_APPROLE_SECRET: first })).stdout, /^FAILED +login/m)

      await run(blockWith('-wrap-ttl=10m'))
      const wrapped = { SEALGATE_KMS_VAULT_APPROLE_WRAPPED_SECRET_FILE: join(folder, 'approle-wrapped') }
      // Twice: it only looks.
      assert.is((await doctor(wrapped)).status, 0)
      assert.is((await doctor(wrapped)).status, 0)
      await run(`vault unwrap "$(cat ${join(folder, 'approle-wrapped')})"`)
      assert.match((await doctor(wrapped)).stdout, /^FAILED +login.*wrapping-token/m)
      await run(blockWith('min_decryption_version=2'))
    } finally {
      await vault.close()
      rmSync(folder, { recursive: true, force: true })
    }
  })
}

/** Runs a block of the page in the folder, which takes the place of the page's own, as the Vault's root. */
function createShell(folder: string, endpoint: string): (block: string) => Promise<string> {
  const env = {
    PATH: `${join(folder, 'bin')}:${process.env.PATH ?? ''}`,
    HOME: folder,
    VAULT_ADDR: endpoint,
    VAULT_TOKEN: realRootToken,
  }
  return async (block) => {
    const text = block.replaceAll('http://127.0.0.1:8200', endpoint).replaceAll('/run/secrets', folder)
    const { stdout } = await promisify(execFile)('sh', ['-eu', '-c', text], { cwd: folder, env })
    return stdout
  }
}

test.run()
