import http from 'node:http'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { listenHere } from '../support/listen.ts'
import { startProgram } from '../support/program.ts'

const test = suite('cli/gateway-start')

const env = {
  MINIO_ACCESS_KEY: 'access',
  MINIO_SECRET_KEY: 'the secret access key',
  MINIO_SSE_MASTER_KEY: `my-minio-key:${'5a'.repeat(32)}`,
}

/** A store that answers so many requests with 200, and none after that. */
async function withHangingStore(
  answers: number,
  work: (store: { readonly url: string; asked(): Promise<void> }) => Promise<void>,
): Promise<void> {
  let left = answers
  let hang = () => {}
  const hanging = new Promise<void>((resolve) => {
    hang = resolve
  })
  const server = http.createServer((_request, response) => {
    if (left-- > 0) response.end()
    else hang()
  })
  const { url, close } = await listenHere(server)
  try {
    await work({ url, asked: () => hanging })
  } finally {
    await close()
  }
}

for (const [where, answers] of [
  ['its system bucket', 0],
  ['what KMS it was written with', 1],
] as const) {
  test(`a gateway whose store does not say ${where} ends in order when it is told to`, () =>
    withHangingStore(answers, async ({ url, asked }) => {
      const addresses = [
        '--address',
        '127.0.0.1:0',
        '--admin-address',
        'off',
        '--control-admin-address',
        'off',
      ]
      const program = startProgram(['gateway', 's3', url, ...addresses], env)
      try {
        await asked()
      } finally {
        const { status } = await program.end()
        assert.is(status, 0, program.stderr())
      }
      assert.not.match(program.stdout() + program.stderr(), /killing/)
    }))
}

test.run()
