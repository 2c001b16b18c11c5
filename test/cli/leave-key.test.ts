import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { withDirectory } from '../support/files.ts'
import { rootSigner } from '../support/front-end.ts'
import { runProgram, startProgram } from '../support/program.ts'
import { sendSigned } from '../support/signed-request.ts'

const test = suite('cli/leave-key')

const keyA = `a:${'11'.repeat(32)}`
const keyB = `b:${'22'.repeat(32)}`
const text = 'under the first key'
const off = ['--address', '127.0.0.1:0', '--admin-address', 'off', '--control-admin-address', 'off']

interface Server {
  send(
    method: string,
    target: string,
    body?: string,
  ): Promise<{ readonly status: number; readonly body: string }>
}

async function whileServing(
  directory: string,
  env: Readonly<Record<string, string>>,
  work: (server: Server) => Promise<void>,
): Promise<void> {
  const program = startProgram(['server', join(directory, 'data'), ...off], env)
  try {
    const [, url = ''] = await program.output(/"url":"([^"]+)"/)
    await work({
      send: (method, target, body) =>
        sendSigned(url, { method, target, ...(body !== undefined && { body }) }, rootSigner),
    })
  } finally {
    await program.end()
  }
}

test('a server leaves master key a for b: all is read with b alone, and a or another b is refused', () =>
  withDirectory(async (directory) => {
    const data = join(directory, 'data')
    const env = {
      TMPDIR: directory,
      SEALGATE_ACCESS_KEY: rootSigner.accessKey,
      SEALGATE_SECRET_KEY: rootSigner.secretKey,
      SEALGATE_THREADS: '1',
      MINIO_SSE_AUTO_ENCRYPTION: 'on',
    }
    await whileServing(directory, { ...env, SEALGATE_KMS_MASTER_KEY: keyA }, async ({ send }) => {
      assert.is((await send('PUT', '/bucket')).status, 200)
      assert.is((await send('PUT', '/bucket/before', text)).status, 200)
    })
    const both = { ...env, SEALGATE_KMS_MASTER_KEY: keyB, SEALGATE_KMS_OLD_KEYS: keyA }
    await whileServing(directory, both, async ({ send }) => {
      assert.is((await send('PUT', '/bucket/between', text)).status, 200)
      const kept = await runProgram(['rewrap', data], both)
      assert.is(kept.status, 1)
      assert.match(kept.stdout, 'key a): key-not-found\nan old key seals nothing: --leave KEY')
      const wrong = await runProgram(['rewrap', data, '--leave', 'b'], both)
      assert.equal([wrong.status, wrong.stdout], [2, ''])
      assert.match(wrong.stderr, '--leave b: that is the key which is configured')
      const left = await runProgram(['rewrap', data, '--leave', 'a'], both)
      assert.equal([left.status, left.stderr], [0, ''])
      assert.match(left.stdout, '\nleft: key a; what was under it is under key b\n')
      assert.is((await send('GET', '/bucket/before')).body, text)
    })
    await whileServing(directory, { ...env, SEALGATE_KMS_MASTER_KEY: keyB }, async ({ send }) => {
      for (const key of ['before', 'between']) assert.is((await send('GET', `/bucket/${key}`)).body, text)
      assert.is((await send('PUT', '/bucket/after', text)).status, 200)
    })
    for (const key of [keyA, `b:${'33'.repeat(32)}`]) {
      const program = startProgram(['server', data, ...off], { ...env, SEALGATE_KMS_MASTER_KEY: key })
      try {
        await program.output(
          /the store has objects sealed under key b, which the configured KMS does not open/,
        )
      } finally {
        await program.end()
      }
    }
  }))

test.run()
