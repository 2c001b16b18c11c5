import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { KmsError } from '../../control/errors.ts'
import { Circuit, type Verdict } from '../../control/session/circuit.ts'
import { ManualClock } from '../support/vault/manual-clock.ts'

const test = suite('control/circuit')

const silent = { debug() {}, info() {}, warn() {}, error() {} }

class Away extends Error {
  readonly retryAfterMs: number
  constructor(retryAfterMs = 0) {
    super('the KMS is away')
    this.retryAfterMs = retryAfterMs
  }
}

class Refused extends Error {}

const judge = (error: unknown): Verdict => {
  if (error instanceof Away) return { kind: 'outage', retryAfterMs: error.retryAfterMs }
  return { kind: error instanceof Refused ? 'answered' : 'unknown' }
}

/** A circuit whose KMS is away as long as `away` says so. */
function setUp() {
  const clock = new ManualClock(0)
  const kms = { away: false, probesAtMs: [] as number[], retryAfterMs: 0 }
  const answer = async () => {
    if (kms.away) throw new Away(kms.retryAfterMs)
    return 'key'
  }
  const probe = () => {
    kms.probesAtMs.push(clock.steadyMs())
    return answer()
  }
  const changes: string[] = []
  const circuit = new Circuit({ clock, log: silent, judge, probe })
  circuit.onChange(() => changes.push(circuit.status().state))
  circuit.start()
  const fail = (times: number) =>
    Promise.all(Array.from({ length: times }, () => circuit.run(answer).catch((error: unknown) => error)))
  return { clock, kms, circuit, answer, fail, changes }
}

test('four outages in a row leave it closed, the fifth opens it, and calls fail at once then', async () => {
  const { kms, circuit, answer, fail } = setUp()
  kms.away = true
  await fail(4)
  assert.is(circuit.status().state, 'closed')
  await fail(1)
  assert.is(circuit.status().state, 'open')
  let made = 0
  const error = await circuit
    .run(async () => {
      made++
      return answer()
    })
    .catch((thrown: unknown) => thrown)
  assert.is(made, 0)
  assert.is(error instanceof KmsError && error.code, 'unavailable')
  assert.match(String(error), /the KMS is away/)
  circuit.close()
})

test('after four seconds without an answer the second outage opens it', async () => {
  for (const [silentMs, state] of [
    [3_999, 'closed'],
    [4_000, 'open'],
  ] as const) {
    const { clock, kms, circuit, answer, fail } = setUp()
    await circuit.run(answer)
    await clock.advance(silentMs)
    kms.away = true
    await fail(1)
    assert.is(circuit.status().state, 'closed')
    await fail(1)
    assert.is(circuit.status().state, state)
    circuit.close()
  }
})

test('an answer in between begins the count again, be it a refusal', async () => {
  const { kms, circuit, answer, fail } = setUp()
  for (const interlude of [answer, () => Promise.reject(new Refused())]) {
    kms.away = true
    await fail(4)
    kms.away = false
    await circuit.run<unknown>(interlude).catch(() => {})
    kms.away = true
    await fail(4)
    assert.is(circuit.status().state, 'closed')
    kms.away = false
    await circuit.run(answer)
  }
  circuit.close()
})

test('what says nothing of the KMS neither counts nor ends the count', async () => {
  const { kms, circuit, fail } = setUp()
  kms.away = true
  await fail(4)
  for (let count = 0; count < 20; count++) {
    await circuit.run(() => Promise.reject(new Error('the caller gave up'))).catch(() => {})
  }
  assert.is(circuit.status().state, 'closed')
  await fail(1)
  assert.is(circuit.status().state, 'open')
  circuit.close()
})

test('it probes after a second, then at growing pauses of five at most, and closes with the first answer', async () => {
  const { clock, kms, circuit, answer, fail, changes } = setUp()
  kms.away = true
  await fail(5)
  assert.ok(circuit.status().retryAtMs > clock.wallMs())
  await clock.advance(60_000)
  const gaps = kms.probesAtMs.map((atMs, index) => atMs - (kms.probesAtMs[index - 1] ?? 0))
  assert.ok(gaps.length >= 12)
  assert.ok(gaps.every((gapMs) => gapMs >= 1_000 && gapMs <= 5_000))
  kms.away = false
  await clock.advance(5_000)
  assert.is(circuit.status().state, 'closed')
  assert.is(circuit.status().trips, 1)
  assert.is(await circuit.run(answer), 'key')
  assert.equal(changes.slice(0, 3), ['open', 'probing', 'open'])
  assert.is(changes.at(-1), 'closed')
  circuit.close()
})

test('a KMS that asks for a pause is given it, up to a minute', async () => {
  for (const [askedMs, pauseMs] of [
    [20_000, 20_000],
    [3_600_000, 60_000],
  ] as const) {
    const { clock, kms, circuit, fail } = setUp()
    Object.assign(kms, { away: true, retryAfterMs: askedMs })
    await fail(1)
    assert.is(circuit.status().state, 'open')
    kms.away = false
    await clock.advance(pauseMs - 1)
    assert.is(kms.probesAtMs.length, 0)
    await clock.advance(1)
    assert.is(circuit.status().state, 'closed')
    circuit.close()
  }
})

test('a late answer to an earlier call closes it', async () => {
  const { kms, circuit, fail } = setUp()
  let answerLate = (_: string) => {}
  const late = circuit.run(
    () =>
      new Promise<string>((resolve) => {
        answerLate = resolve
      }),
  )
  kms.away = true
  await fail(5)
  answerLate('late')
  await late
  assert.is(circuit.status().state, 'closed')
  circuit.close()
})

test('when nobody calls for 15 s it looks itself, and calls spare it that', async () => {
  const { clock, kms, circuit, answer } = setUp()
  await clock.advance(45_000)
  assert.equal(kms.probesAtMs, [15_000, 30_000, 45_000])
  for (let second = 0; second < 30; second++) {
    await clock.advance(1_000)
    await circuit.run(answer)
  }
  assert.is(kms.probesAtMs.length, 3)
  circuit.close()
})

test('an idle one opens by its own look-outs alone, which come faster after a failure', async () => {
  const { clock, kms, circuit } = setUp()
  kms.away = true
  await clock.advance(15_000 + 3_000)
  assert.equal(kms.probesAtMs, [15_000, 18_000])
  assert.is(circuit.status().state, 'open')
  circuit.close()
})

test('looks that learn nothing, for want of a token, are as far apart as others', async () => {
  const clock = new ManualClock(0)
  const looksAtMs: number[] = []
  const probe = () => {
    looksAtMs.push(clock.steadyMs())
    return Promise.reject(new Error('no token'))
  }
  const circuit = new Circuit({ clock, log: silent, judge, probe })
  circuit.start()
  await clock.advance(60_000)
  assert.equal(looksAtMs, [15_000, 30_000, 45_000, 60_000])
  circuit.close()
})

test('a probe that learns nothing leaves it to the calls', async () => {
  const clock = new ManualClock(0)
  const probe = () => Promise.reject(new Error('no token'))
  const circuit = new Circuit({ clock, log: silent, judge, probe })
  circuit.start()
  for (let count = 0; count < 5; count++) await circuit.run(() => Promise.reject(new Away())).catch(() => {})
  await clock.advance(1_000)
  assert.is(circuit.status().state, 'closed')
  circuit.close()
})

test('after close no timer waits', async () => {
  const { clock, kms, circuit, fail } = setUp()
  kms.away = true
  await fail(5)
  circuit.close()
  circuit.close()
  assert.is(clock.pending, 0)
})

test.run()
