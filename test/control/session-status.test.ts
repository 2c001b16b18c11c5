import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { VaultError } from '../../control/providers/vault/vault-error.ts'
import { echo, grant, refusal, setUp, unreachable } from '../support/vault/fake-vault.ts'

const test = suite('control/session-status')

test('three refused credentials lock it, and what Status tells of that is whole', async () => {
  const { clock, vault, session } = setUp()
  vault.onLogin = () => refusal(400)
  session.start()
  await clock.advance(60_000)
  const status = session.status()
  assert.is(status.state, 'locked')
  assert.is(status.loginsHalted, true)
  assert.is(status.loginFailures, 3)
  assert.is(status.nextActionAtMs, 0)
  assert.match(status.lastError, /400/)
  assert.ok(status.lastErrorAtMs > 0 && status.sinceMs >= status.lastErrorAtMs)
  await session.close()
})

test('with a live token halted logins leave it degraded, and locked when the token ends', async () => {
  const { clock, vault, session } = setUp()
  vault.onLogin = (count) => (count === 1 ? grant('token', 300, false) : refusal(400))
  session.start()
  await clock.advance(200_000)
  assert.is(session.status().state, 'degraded')
  assert.is(session.status().loginsHalted, true)
  assert.is(await session.run(echo), 'token')
  await clock.advance(101_000)
  assert.is(session.status().state, 'locked')
  assert.is(vault.loginsAtMs.length, 4)
  await session.close()
})

test('a living token is renewed while logins are halted, and degraded for as long', async () => {
  const { clock, vault, session } = setUp()
  vault.onLogin = (count) => (count === 1 ? grant('token', 300) : refusal(400))
  vault.onRenew = (count) => (count === 2 ? refusal(403) : grant('', 300))
  session.start()
  await clock.advance(3_600_000)
  const { state, ready, reason, loginsHalted } = session.status()
  assert.is(state, 'degraded')
  assert.is(ready, true)
  assert.is(loginsHalted, true)
  assert.match(reason, /logins halted/)
  assert.is(vault.loginsAtMs.length, 4)
  assert.ok(vault.renewals.length >= 24)
  assert.is(await session.run(echo), 'token')
  vault.onRenew = () => refusal(403)
  await clock.advance(600_000)
  assert.is(session.status().state, 'locked')
  assert.is(vault.loginsAtMs.length, 4)
  await session.close()
  assert.is(clock.pending, 0)
})

test('renewals that come to the maximal life while logins are halted end in no login', async () => {
  const { clock, vault, session } = setUp()
  vault.onLogin = (count) => (count === 1 ? grant('token', 300) : refusal(400))
  vault.onRenew = (count) => (count === 1 ? refusal(403) : grant('', Math.max(1, 150 - count * 20)))
  session.start()
  await clock.advance(1_000_000)
  assert.is(vault.loginsAtMs.length, 4)
  await session.close()
})

test('the next action and the last error are told, with their times', async () => {
  const { clock, vault, session } = setUp()
  session.start()
  await clock.advance(0)
  assert.is(session.status().nextActionAtMs, clock.wallMs() + 150_000)
  vault.onRenew = (count) => (count === 1 ? unreachable() : grant('', 300))
  await clock.advance(150_000)
  assert.is(session.status().renewalFailures, 1)
  assert.is(session.status().lastErrorAtMs, clock.wallMs())
  await clock.advance(60_000)
  assert.is(session.status().state, 'ready')
  assert.match(session.status().lastError, /ECONNREFUSED/)
  await session.close()
})

const busy = (retryAfterMs: number) =>
  new VaultError({ kind: 'refused', call: 'POST /v1/x', status: 429, retryAfterMs })

for (const [askedMs, waitedMs] of [
  [20_000, 20_000],
  [3_600_000, 60_000],
] as const) {
  test(`a login that is asked to stay away for ${askedMs} ms does so for ${waitedMs}`, async () => {
    const { clock, vault, session } = setUp()
    vault.onLogin = (count) => (count === 1 ? busy(askedMs) : grant('token', 300))
    session.start()
    await clock.advance(waitedMs - 1)
    assert.is(vault.loginsAtMs.length, 1)
    await clock.advance(1)
    assert.is(session.status().state, 'ready')
    await session.close()
  })
}

test('a renewal that is asked to stay away for longer than the token lives comes before its end', async () => {
  const { clock, vault, session } = setUp()
  vault.onRenew = (count) => (count === 1 ? busy(3_600_000) : grant('', 300))
  session.start()
  await clock.advance(300_000)
  assert.is(session.status().logins, 1)
  assert.is(session.status().state, 'ready')
  await session.close()
})

test.run()
