import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { KmsError } from '../../control/errors.ts'
import { echo, gapsOf, grant, refusal, setUp } from '../support/vault/fake-vault.ts'

const test = suite('control/session-times')

for (const [leaseSeconds, minutes] of [
  [10, 30],
  [5, 30],
  [2, 10],
] as const) {
  test(`a period of ${leaseSeconds} s is kept for ${minutes} minutes by one login, and without a storm`, async () => {
    const { clock, vault, session } = setUp(0.5)
    vault.onLogin = () => grant('token', leaseSeconds)
    vault.onRenew = () => grant('', leaseSeconds)
    session.start()
    await clock.advance(minutes * 60_000)
    assert.is(vault.loginsAtMs.length, 1)
    const renewals = (minutes * 60) / leaseSeconds
    assert.ok(vault.renewals.length >= renewals && vault.renewals.length <= renewals * 2)
    await session.close()
  })
}

test('a token of one second that is not renewable costs no more than one login a second', async () => {
  const { clock, vault, session } = setUp()
  vault.onLogin = (count) => grant(`token ${count}`, 1, false)
  session.start()
  await clock.advance(60_000)
  const gaps = gapsOf(vault)
  assert.ok(gaps.every((gapMs) => gapMs >= 1_000))
  assert.ok(vault.loginsAtMs.length > 50)
  await session.close()
})

test('a renewal that grants nothing ends the token, a login that does makes it endless', async () => {
  const { clock, vault, session } = setUp()
  vault.onLogin = (count) => grant(`token ${count}`, count === 1 ? 300 : 0)
  vault.onRenew = () => grant('', 0)
  session.start()
  await clock.advance(150_000)
  assert.is(vault.renewals.length, 1)
  assert.is(vault.loginsAtMs.length, 2)
  assert.is(await session.run(echo), 'token 2')
  await clock.advance(3_600_000)
  assert.is(vault.loginsAtMs.length, 2)
  assert.is(session.status().tokenExpiresAtMs, 0)
  await session.close()
})

test('a lease counts from when it was asked for, not from when a slow answer came', async () => {
  const { clock, vault, session } = setUp()
  const login = vault.login.bind(vault)
  vault.login = async () => {
    const granted = await login()
    await new Promise<void>((resolve) => clock.after(100_000, resolve))
    return granted
  }
  session.start()
  await clock.advance(100_000)
  assert.is(session.status().tokenExpiresAtMs, clock.wallMs() + 200_000)
  await session.close()
})

test('an answer slower than its lease is put to use for half of it, and leads to no standstill', async () => {
  const { clock, vault, session } = setUp()
  const login = vault.login.bind(vault)
  vault.login = async () => {
    const granted = await login()
    await new Promise<void>((resolve) => clock.after(20_000, resolve))
    return granted
  }
  vault.onLogin = (count) => grant(`token ${count}`, 10, false)
  session.start()
  await clock.advance(20_000)
  assert.is(await session.run(echo), 'token 1')
  await clock.advance(200_000)
  assert.ok(vault.loginsAtMs.length >= 8)
  await session.close()
})

test('time of day that jumps back and forth changes neither renewals nor logins', async () => {
  const { clock, vault, session } = setUp()
  session.start()
  for (const jumpMs of [3_600_000, -7_200_000, 86_400_000, -86_400_000]) {
    clock.jumpWall(jumpMs)
    await clock.advance(150_000)
  }
  assert.is(vault.renewals.length, 4)
  assert.is(vault.loginsAtMs.length, 1)
  assert.is(session.status().state, 'ready')
  await session.close()
})

test('after a sleep of the machine, of which the steady clock knows nothing, the dead token is replaced', async () => {
  const { clock, vault, session } = setUp()
  session.start()
  await clock.advance(5_000)
  clock.jumpWall(3_600_000)
  vault.onLookup = (token) => (token === 'token 1' ? refusal(403) : undefined)
  const call = session.run(async (token) => {
    if (token === 'token 1') throw refusal(403)
    return token
  })
  await clock.advance(0)
  assert.is(await call, 'token 2')
  await session.close()
})

test('a caller hears of a login that hangs before its own deadline, and the login goes on', async () => {
  const { clock, vault, session } = setUp()
  vault.login = () => new Promise(() => {})
  session.start()
  const call = session.run(echo).catch((error: unknown) => error)
  await clock.advance(4_000)
  const error = await call
  assert.instance(error, KmsError)
  assert.match(String(error), 'a login is under way')
  void session.close()
})

test('a caller that cannot wait for the login is not kept', async () => {
  const { clock, vault, session } = setUp()
  vault.login = () => new Promise(() => {})
  session.start()
  const caller = new AbortController()
  const call = session.run(echo, caller.signal).catch((error: unknown) => error)
  await clock.advance(0)
  caller.abort()
  assert.instance(await call, KmsError)
  void session.close()
})

test.run()
