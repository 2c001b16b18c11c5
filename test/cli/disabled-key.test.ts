import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { runProgram, startProgram } from '../support/program.ts'
import { until, withServed } from '../support/served.ts'
import { sendSigned } from '../support/signed-request.ts'

const test = suite('cli/disabled-key')

const signer = { accessKey: 'access', secretKey: 'the secret access key' }
const keyId = 'my-minio-key'

interface Shared {
  /** Of two servers, each a front-end of the one control service. */
  readonly urls: readonly string[]
  readonly socket: string
  readonly disabledKeysFile: string
}

async function withTwoServers(use: (shared: Shared) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'sealgate-disabled-'))
  const socket = `unix:${join(directory, 'control.sock')}`
  const disabledKeysFile = join(directory, 'disabled.json')
  const control = startProgram(['control', '--address', socket], {
    SEALGATE_KMS_MASTER_KEY: `${keyId}:${'5a'.repeat(32)}`,
    SEALGATE_KMS_DISABLED_KEYS_FILE: disabledKeysFile,
  })
  const env = {
    SEALGATE_CONTROL: socket,
    SEALGATE_ACCESS_KEY: signer.accessKey,
    SEALGATE_SECRET_KEY: signer.secretKey,
    SEALGATE_AUTO_ENCRYPTION: 'on',
  }
  try {
    await control.output(/control is listening/)
    await withServed(
      'server',
      (one) =>
        withServed('server', (two) => use({ urls: [one.url, two.url], socket, disabledKeysFile }), {
          env,
          control: false,
        }),
      { env, control: false },
    )
  } finally {
    await control.end('SIGKILL')
    rmSync(directory, { recursive: true, force: true })
  }
}

async function send(url: string, method: 'PUT' | 'GET', target: string, body?: string): Promise<string> {
  const answer = await sendSigned(url, { method, target, ...(body !== undefined && { body }) }, signer)
  return answer.status === 200 ? 'ok' : `${answer.status} ${answer.code}`
}

interface Load {
  /** In their order. */
  readonly answers: readonly string[]
  end(): Promise<void>
}

const workersOfLoad = 3

/** Reads and writes without pause at one server. */
function load(url: string): Load {
  const answers: string[] = []
  let running = true
  const work = async (method: 'PUT' | 'GET', target: string) => {
    while (running) answers.push(await send(url, method, target, method === 'PUT' ? 'some words' : undefined))
  }
  const workers = [work('PUT', '/bucket/written'), work('PUT', '/bucket/also'), work('GET', '/bucket/first')]
  return {
    answers,
    async end() {
      running = false
      await Promise.all(workers)
    },
  }
}

const ways: readonly ((shared: Shared) => Promise<void>)[] = [
  async ({ socket }) => {
    const { status, stderr } = await runProgram(['key', 'disable', keyId, '--control', socket])
    assert.is(status, 0, stderr)
  },
  async ({ disabledKeysFile }) => writeFileSync(disabledKeysFile, JSON.stringify({ disabled: [keyId] })),
]

test('a key disabled by command, or in the file, stops at both of two front-ends under load', async () => {
  await withTwoServers(async (shared) => {
    for (const url of shared.urls) {
      assert.is(await send(url, 'PUT', '/bucket'), 'ok')
      assert.is(await send(url, 'PUT', '/bucket/first', 'some words'), 'ok')
    }
    const loads = shared.urls.map(load)
    const all = (answer: string) => until(() => loads.every(({ answers }) => answers.at(-1) === answer))
    try {
      for (const disable of ways) {
        await all('ok')
        await disable(shared)
        await all('403 AccessDenied')
        await nothingComesThrough(loads)
        const enabled = await runProgram(['key', 'enable', keyId, '--control', shared.socket])
        assert.is(enabled.status, 0, enabled.stderr)
      }
      await all('ok')
      for (const { answers } of loads) assert.equal([...new Set(answers)], ['ok', '403 AccessDenied'])
    } finally {
      await Promise.all(loads.map(({ end }) => end()))
    }
  })
})

/** What was under way at each worker may still have been granted; nothing is that begins now. */
async function nothingComesThrough(loads: readonly Load[]): Promise<void> {
  const before = loads.map(({ answers }) => answers.length + workersOfLoad)
  await until(() => loads.every(({ answers }, index) => answers.length >= (before[index] ?? 0) + 20))
  for (const [index, { answers }] of loads.entries()) {
    assert.equal([...new Set(answers.slice(before[index]))], ['403 AccessDenied'])
  }
}

test.run()
