import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { KmsError } from '../../control/errors.ts'
import { FailureLog } from '../../control/server/failure-log.ts'

const test = suite('control/failure-log')

const away = (reason = 'vault is away') => new KmsError('unavailable', reason)

function setUp() {
  const lines: Record<string, unknown>[] = []
  const line = (level: string) => (fields: object) => void lines.push({ level, ...fields })
  const clock = { nowMs: 0 }
  const log = { warn: line('warn'), error: line('error') }
  return { lines, clock, failures: new FailureLog('Decrypt', log, () => clock.nowMs) }
}

test('of a thousand failures that are alike one is told, and later how many there were', () => {
  const { lines, clock, failures } = setUp()
  for (let count = 0; count < 1000; count++) failures.tell('unavailable', away())
  assert.is(lines.length, 1)
  assert.is(lines[0]?.repeated, undefined)
  clock.nowMs = 5_000
  failures.tell('unavailable', away())
  assert.is(lines.length, 2)
  assert.is(lines[1]?.repeated, 999)
  assert.is(lines[1]?.reason, 'vault is away')
})

test('another reason and another code are told at once', () => {
  const { lines, failures } = setUp()
  failures.tell('unavailable', away())
  failures.tell('unavailable', away('vault is sealed'))
  failures.tell('access-denied', new KmsError('access-denied', 'vault is away'))
  assert.is(lines.length, 3)
})

test('what two clients are refused is told of both, with who they are', () => {
  const { lines, failures } = setUp()
  const refusal = new KmsError('access-denied', 'policy does not allow it')
  for (const port of [1, 2, 3]) {
    for (const identity of ['a', 'b'])
      failures.tell('access-denied', refusal, { identity, peer: `host:${port}` })
  }
  assert.equal(
    lines.map(({ identity, peer }) => [identity, peer]),
    [
      ['a', 'host:1'],
      ['b', 'host:1'],
    ],
  )
})

test('a fault of ours is told each time, in full', () => {
  const { lines, failures } = setUp()
  const fault = new TypeError('a bug')
  failures.tell('internal', fault)
  failures.tell('internal', fault)
  assert.equal(
    lines.map(({ level, err }) => [level, err]),
    [
      ['error', fault],
      ['error', fault],
    ],
  )
})

test('of a thousand different ones a hundred are told in five seconds, and later how many were not', () => {
  const { lines, clock, failures } = setUp()
  for (let count = 0; count < 1000; count++) {
    const refusal = new KmsError('access-denied', `policy does not allow it with key "key-${count}"`)
    failures.tell('access-denied', refusal, { identity: 'a' })
  }
  assert.is(lines.length, 100)
  clock.nowMs = 5_000
  for (let count = 1000; count < 2000; count++) failures.tell('unavailable', away(`reason ${count}`))
  assert.is(lines.length, 200)
  assert.equal([lines[100]?.untold, lines[101]?.untold], [900, undefined])
  clock.nowMs = 9_999
  failures.tell('unavailable', away('reason 1000'))
  failures.tell('unavailable', away('reason 2000'))
  assert.is(lines.length, 200)
})

test.run()
