import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { KmsError } from '../../control/errors.ts'
import { VaultError } from '../../control/providers/vault/vault-error.ts'
import { echo, gapsOf, grant, refusal, setUp, unreachable } from '../support/vault/fake-vault.ts'

const test = suite('control/session')

test('a login makes it ready, and its times are told', async () => {
  const { clock, session } = setUp()
  assert.is(session.status().state, 'logged-out')
  assert.is(session.status().ready, false)
  session.start()
  await clock.advance(0)
  const status = session.status()
  assert.is(status.state, 'ready')
  assert.is(status.reason, '')
  assert.is(status.logins, 1)
  assert.is(status.tokenExpiresAtMs, clock.wallMs() + 300_000)
  assert.is(await session.run(echo), 'token 1')
  await session.close()
})

test('a session that is closed is no warning', async () => {
  const { clock, session, lines } = setUp()
  session.start()
  await clock.advance(0)
  lines.length = 0
  await session.close()
  assert.equal(lines, ['info vault session is logged-out'])
})

for (const [chance, fraction] of [
  [0, 0.5],
  [0.999, 0.65],
] as const) {
  test(`with chance at ${chance} a lease is renewed at ${fraction} of it, in seconds`, async () => {
    const { clock, vault, session } = setUp(chance)
    session.start()
    await clock.advance(300_000 * (fraction - 0.01))
    assert.is(vault.renewals.length, 0)
    await clock.advance(300_000 * 0.02)
    assert.equal(
      vault.renewals.map(({ increment }) => increment),
      [300],
    )
    await session.close()
  })
}

test('a periodic token is renewed for ever with one login', async () => {
  const { clock, vault, session } = setUp()
  session.start()
  await clock.advance(300_000 * 100)
  assert.is(session.status().logins, 1)
  assert.is(session.status().state, 'ready')
  assert.is(session.status().renewals, vault.renewals.length)
  assert.ok(vault.renewals.length >= 199)
  await session.close()
})

test('a token that is not renewable is replaced before it expires', async () => {
  const { clock, vault, session } = setUp()
  vault.onLogin = (count) => grant(`token ${count}`, 60, false)
  session.start()
  for (let second = 0; second < 300; second++) {
    await clock.advance(1_000)
    assert.is(session.status().ready, true, `after ${second} s`)
  }
  assert.is(vault.renewals.length, 0)
  assert.is(vault.loginsAtMs.length, 11)
  await session.close()
})

test('a renewal that grants less than the login did is followed by a login before the end', async () => {
  const { clock, vault, session } = setUp()
  vault.onRenew = () => grant('', 100)
  session.start()
  await clock.advance(150_000)
  assert.is(vault.renewals.length, 1)
  await clock.advance(50_000)
  assert.equal(vault.loginsAtMs, [0, 200_000])
  assert.is(session.status().state, 'ready')
  await session.close()
})

test('failed renewals are tried again while the token lives, then it logs in', async () => {
  const { clock, vault, session } = setUp()
  vault.onRenew = unreachable
  session.start()
  await clock.advance(151_000)
  assert.is(session.status().state, 'degraded')
  assert.match(session.status().reason, /ECONNREFUSED/)
  assert.is(await session.run(echo), 'token 1')
  await clock.advance(148_000)
  assert.ok(vault.renewals.length > 4)
  assert.is(vault.loginsAtMs.length, 1)
  await clock.advance(2_000)
  assert.is(session.status().state, 'ready')
  assert.is(await session.run(echo), 'token 2')
  await session.close()
})

test('a renewal that succeeds after failures makes it ready again, with the old token', async () => {
  const { clock, vault, session } = setUp()
  vault.onRenew = (count) => (count < 4 ? unreachable() : grant('', 300))
  session.start()
  await clock.advance(200_000)
  assert.is(session.status().state, 'ready')
  assert.is(session.status().logins, 1)
  assert.is(session.status().renewals, 1)
  await session.close()
})

test('while the KMS is away logins back off, and the first that succeeds makes it ready', async () => {
  const { clock, vault, session } = setUp(0.5)
  vault.onLogin = () => unreachable()
  session.start()
  await clock.advance(600_000)
  const gaps = gapsOf(vault)
  assert.ok(gaps.every((gapMs) => gapMs >= 1_000 && gapMs <= 30_000))
  assert.ok(vault.loginsAtMs.length < 50)
  assert.is(session.status().state, 'logged-out')
  await session.run(echo).then(assert.unreachable, (error: unknown) => {
    assert.instance(error, KmsError)
    assert.is((error as KmsError).code, 'unavailable')
  })
  vault.onLogin = () => grant('late', 300)
  await clock.advance(30_000)
  assert.is(session.status().state, 'ready')
  await session.close()
})

test('three logins refused with 400 are the last', async () => {
  const { clock, vault, session, lines } = setUp()
  vault.onLogin = () => refusal(400)
  session.start()
  await clock.advance(3_600_000)
  assert.is(vault.loginsAtMs.length, 3)
  assert.match(session.status().reason, /logins halted/)
  assert.is(lines.filter((line) => line.startsWith('error')).length, 1)
  await session.close()
})

const sourceAddress = () =>
  new VaultError({ kind: 'refused', call: 'POST login', status: 400, refusal: 'source-address' })
for (const [what, refuse] of [
  ['503 and 429', (count: number) => refusal(count % 2 ? 503 : 429)],
  ['403', () => refusal(403)],
  ['400 for the address that they come from', sourceAddress],
] as const) {
  test(`logins refused with ${what} go on until that is mended`, async () => {
    const { clock, vault, session } = setUp()
    vault.onLogin = (count) => (count < 10 ? refuse(count) : grant('token', 300))
    session.start()
    await clock.advance(300_000)
    assert.is(session.status().state, 'ready')
    assert.is(vault.loginsAtMs.length, 10)
    await session.close()
  })
}

test('a token found dead is replaced once for all calls, and every call is made again', async () => {
  const { clock, vault, session } = setUp()
  session.start()
  await clock.advance(5_000)
  vault.onLookup = (token) => (token === 'token 1' ? refusal(403) : undefined)
  const call = async (token: string) => {
    if (token === 'token 1') throw refusal(403)
    return token
  }
  const results = Promise.all(Array.from({ length: 100 }, () => session.run(call)))
  await clock.advance(0)
  assert.equal(new Set(await results), new Set(['token 2']))
  assert.is(vault.loginsAtMs.length, 2)
  assert.is(vault.lookups, 1)
  await session.close()
})

test('a token that has only worked for the call that waited for it, and is revoked as well, is replaced at once', async () => {
  const { clock, vault, session } = setUp()
  session.start()
  await clock.advance(5_000)
  let alive = 1
  const dead = (token: string) => token !== `token ${alive}`
  vault.onLookup = (token) => (dead(token) ? refusal(403) : undefined)
  const call = async (token: string) => {
    if (dead(token)) throw refusal(403)
    return token
  }
  for (alive = 2; alive <= 4; alive++) {
    const result = session.run(call)
    result.catch(() => {})
    await clock.advance(2_000)
    assert.is(await result, `token ${alive}`)
  }
  assert.is(vault.loginsAtMs.length, 4)
  await session.close()
})

test('a call that the policy forbids is refused without a login', async () => {
  const { clock, vault, session } = setUp()
  session.start()
  await clock.advance(5_000)
  for (let count = 0; count < 20; count++) {
    await session
      .run(() => Promise.reject(refusal(403)))
      .then(assert.unreachable, (error: unknown) => assert.is((error as VaultError).status, 403))
  }
  assert.is(vault.loginsAtMs.length, 1)
  assert.is(session.status().state, 'ready')
  await session.close()
})

test('tokens that die at once cause no more than one login a second', async () => {
  const { clock, vault, session } = setUp()
  session.start()
  await clock.advance(0)
  vault.onLookup = () => refusal(403)
  let refused = 0
  for (let tenth = 0; tenth < 50; tenth++) {
    session.run(() => Promise.reject(refusal(403))).catch(() => refused++)
    await clock.advance(100)
  }
  await clock.advance(5_000)
  assert.is(refused, 50)
  const gaps = gapsOf(vault)
  assert.ok(gaps.every((gapMs) => gapMs >= 1_000))
  await session.close()
})

test('a token that may not look at itself, but uses its key, lives', async () => {
  const { clock, vault, session } = setUp()
  vault.onLookup = () => refusal(403)
  vault.onUseKey = () => refusal(400)
  session.start()
  await clock.advance(5_000)
  const call = session.run(() => Promise.reject(refusal(403))).catch((error: VaultError) => error.status)
  await clock.advance(0)
  assert.is(await call, 403)
  assert.is(vault.loginsAtMs.length, 1)
  vault.onUseKey = (token) => (token === 'token 1' ? refusal(403) : refusal(400))
  const next = session.run(async (token) => (token === 'token 1' ? Promise.reject(refusal(403)) : token))
  await clock.advance(0)
  assert.is(await next, 'token 2')
  await session.close()
})

test('where policy forbids everything there is no login for each refusal', async () => {
  const { clock, vault, session } = setUp()
  vault.onLookup = () => refusal(403)
  session.start()
  for (let second = 0; second < 300; second++) {
    session.run(() => Promise.reject(refusal(403))).catch(() => {})
    await clock.advance(1_000)
  }
  assert.ok(vault.loginsAtMs.length <= 8, `${vault.loginsAtMs.length} logins`)
  await session.close()
})

test('a lease longer than a timer can hold neither ends early nor renews early for ever', async () => {
  const { clock, vault, session } = setUp()
  vault.onLogin = () => grant('token', 768 * 3600)
  session.start()
  await clock.advance(24 * 3_600_000)
  assert.is(session.status().state, 'ready')
  assert.is(vault.renewals.length, 0)
  await session.close()
})

test('a token without an end is neither renewed nor replaced', async () => {
  const { clock, vault, session } = setUp()
  vault.onLogin = () => grant('token', 0)
  session.start()
  await clock.advance(10_000_000)
  assert.is(session.status().tokenExpiresAtMs, 0)
  assert.is(session.status().ready, true)
  assert.is(vault.loginsAtMs.length, 1)
  await session.close()
})

test('a jump of the time of day ends no token', async () => {
  const { clock, vault, session } = setUp()
  session.start()
  await clock.advance(1_000)
  clock.jumpWall(86_400_000)
  assert.is(await session.run(echo), 'token 1')
  await clock.advance(140_000)
  assert.is(vault.renewals.length, 0)
  await session.close()
})

test('after close no timer waits and no call is made', async () => {
  const { clock, vault, session } = setUp()
  session.start()
  await clock.advance(10)
  await session.close()
  await session.close()
  assert.is(clock.pending, 0)
  await clock.advance(1_000_000)
  assert.is(vault.loginsAtMs.length, 1)
  assert.is(vault.renewals.length, 0)
  await session.run(echo).then(assert.unreachable, (error: unknown) => assert.instance(error, KmsError))
})

test('closing while a login waits for its turn ends the wait', async () => {
  const { clock, vault, session } = setUp()
  session.start()
  await clock.advance(0)
  vault.onLookup = () => refusal(403)
  const call = session.run(() => Promise.reject(refusal(403))).catch((error: unknown) => error)
  await clock.advance(100)
  await session.close()
  assert.instance(await call, KmsError)
  assert.is(clock.pending, 0)
})

test.run()
