import { Writable } from 'node:stream'
import { pino } from 'pino'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { KmsError } from '../../../control/errors.ts'
import { BackendError } from '../../../s3api/backends/backend.ts'
import { OutageLog } from '../../../s3api/http/outage-log.ts'
import { withKeySystem } from '../../support/key-system.ts'
import { until } from '../../support/vault/fixture.ts'
import { ManualClock } from '../../support/vault/manual-clock.ts'

const test = suite('s3api/http/outage-log')

type Line = Readonly<Record<string, unknown>>

function createLog() {
  const lines: Line[] = []
  const stream = new Writable({
    write(text: Buffer, _, done) {
      for (const line of text.toString().split('\n')) if (line !== '') lines.push(JSON.parse(line))
      done()
    },
  })
  const levels = pino.levels.values
  return {
    log: pino({ level: 'info' }, stream),
    lines,
    warned: () => lines.filter(({ level }) => Number(level) >= (levels.warn ?? 0)),
    told: (name: string) => lines.filter(({ outage }) => outage === name),
    requests: (operation: string) => lines.filter((line) => line.operation === operation),
  }
}

const away = () => new KmsError('unavailable', 'vault is away')

test('an outage is told when it begins and when it is over, with how many requests it failed', async () => {
  const { log, told } = createLog()
  const clock = new ManualClock()
  const outages = new OutageLog(log, clock)
  for (let second = 0; second < 60; second++) {
    for (let count = 0; count < 100; count++) outages.failed(away())
    await clock.advance(1_000)
  }
  assert.equal(
    told('keys').map(({ level, reason }) => [level, reason]),
    [[40, 'vault is away']],
  )
  await clock.advance(10_000)
  assert.equal(
    told('keys').map(({ level, requests, seconds }) => [level, requests, seconds]),
    [
      [40, undefined, undefined],
      [30, 6_000, 59],
    ],
  )
  await clock.advance(60_000)
  outages.failed(away())
  assert.is(told('keys').length, 3)
  outages.close()
  assert.is(clock.pending, 0)
})

test('what is away at the same time is told apart, and what is no outage is not told', async () => {
  const { log, lines } = createLog()
  const outages = new OutageLog(log, new ManualClock())
  for (let round = 0; round < 2; round++) {
    outages.failed(away())
    outages.failed(new KmsError('unavailable', 'too many calls', { retryAfterMs: 100 }))
    outages.failed(new BackendError('unavailable', 'connect ECONNREFUSED'))
    outages.failed(new BackendError('no-space', 'the disk is full'))
    outages.failed(Object.assign(new Error('write'), { code: 'EDQUOT' }))
    outages.failed(new KmsError('access-denied', 'key a is disabled'))
    outages.failed(new BackendError('no-such-key', 'there is none'))
    outages.failed(new TypeError('a bug'))
  }
  assert.equal(
    lines.map(({ outage }) => outage),
    ['keys', 'key-limit', 'store', 'space'],
  )
  outages.close()
})

test('without control, fifty requests make fifty lines and one for the outage, and no stack', () =>
  withKeySystem(async (system) => {
    const clock = new ManualClock()
    const { log, lines, warned, told, requests } = createLog()
    const control = await system.startControl()
    const front = await system.startFrontEnd({ clock, log })
    await front.send({ method: 'PUT', target: '/bucket' })
    await front.put('/bucket/first')
    await control.stop()
    // Beyond every lease.
    await clock.advance(60 * 60_000)
    const before = warned().length
    const answers = Array.from({ length: 50 }, (_, index) => front.put(`/bucket/${index}`))
    assert.equal(new Set((await Promise.all(answers)).map(({ status }) => status)), new Set([503]))
    await until(() => requests('PutObject').length === 51)
    const failed = requests('PutObject').slice(1)
    for (const { level, code, reason } of failed) {
      assert.equal([level, code], [30, 'ServiceUnavailable'])
      assert.ok(String(reason).length > 0)
    }
    assert.is(told('keys').length, 1)
    assert.is(warned().length - before, 1)
    assert.equal(
      lines.filter((line) => line.err !== undefined),
      [],
    )
    await clock.advance(10_000)
    assert.is(told('keys').at(-1)?.requests, 50)
  }))

test('a request whose key is refused has one line, for operators to see', () =>
  withKeySystem(async (system) => {
    const { log, warned, requests } = createLog()
    const control = await system.startControl()
    const front = await system.startFrontEnd({ log })
    await front.send({ method: 'PUT', target: '/bucket' })
    await front.put('/bucket/first')
    await control.disable('my-minio-key')
    const before = warned().length
    assert.is((await front.get('/bucket/first')).status, 403)
    await until(() => requests('GetObject').length === 1)
    const [line, ...more] = warned().slice(before)
    assert.equal(more, [])
    assert.equal([line?.operation, line?.key, line?.code], ['GetObject', 'first', 'AccessDenied'])
    assert.match(String(line?.reason), /my-minio-key/)
    assert.is(line?.err, undefined)
  }))

test.run()
