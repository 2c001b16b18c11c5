import { pino } from 'pino'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createVaultClient } from '../../control/providers/vault/vault-client.ts'
import { diagnoseKms } from '../../control/server/diagnose.ts'
import { failsAs } from '../support/vault/fails-as.ts'
import { startReady, toConfig, withProvider } from '../support/vault/fixture.ts'
import { startVaultSimulator } from '../support/vault-simulator.ts'

const test = suite('control/vault-wrapping')

for (const path of ['transit/keys/key', 'auth/token/lookup-self', 'auth/approle/role/my-role']) {
  test(`a wrapping token that was made for ${path} is not unwrapped`, async () => {
    const vault = await startVaultSimulator()
    try {
      const credentials = await vault.setUpSeed({ keyName: 'key' })
      const client = createVaultClient(toConfig(vault.endpoint, credentials))
      const wrapped = new TextEncoder().encode(vault.wrap(path))
      await failsAs('invalid-answer', client.unwrapSecretId(wrapped)).finally(() => client.close())
      assert.is(vault.count('sys/wrapping/unwrap'), 0)
    } finally {
      await vault.close()
    }
  })
}

test('a wrapping token is exchanged once, and is refused when its time is over', async () => {
  let nowMs = 0
  const vault = await startVaultSimulator({ now: () => nowMs })
  try {
    const credentials = await vault.setUpSeed({ keyName: 'key' })
    const client = createVaultClient(toConfig(vault.endpoint, credentials))
    const wrapped = new TextEncoder().encode(vault.wrap())
    assert.ok((await client.unwrapSecretId(wrapped)).length > 30)
    assert.is((await failsAs('refused', client.unwrapSecretId(wrapped))).refusal, 'wrapping-token')
    const late = new TextEncoder().encode(vault.wrap())
    nowMs += 600_000
    assert.is((await failsAs('refused', client.unwrapSecretId(late))).refusal, 'wrapping-token')
    await client.close()
  } finally {
    await vault.close()
  }
})

test('a doctor leaves the wrapping token for control, and says when it is used up', async () => {
  const vault = await startVaultSimulator()
  try {
    const credentials = await vault.setUpSeed()
    const value = new TextEncoder().encode(vault.wrap())
    const secretId = { kind: 'value', value, wrapped: true } as const
    const config = toConfig(vault.endpoint, credentials, { secretId })
    const diagnose = async () => {
      const signal = AbortSignal.timeout(10_000)
      return (await diagnoseKms({ provider: config }, { log: pino({ level: 'silent' }), signal })).at(-1)
    }
    const good = await diagnose()
    assert.is(good?.name, 'login')
    assert.is(good?.result, 'skipped')
    assert.is(vault.count('sys/wrapping/unwrap'), 0)
    await withProvider(config, {}, startReady)
    const used = await diagnose()
    assert.is(used?.name, 'login')
    assert.is(used?.result, 'failed')
    assert.match(used?.detail ?? '', 'wrapping-token')
  } finally {
    await vault.close()
  }
})

test.run()
