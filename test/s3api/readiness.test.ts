import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type Backend, BackendError } from '../../s3api/backends/backend.ts'
import { ReadinessCheck } from '../../s3api/readiness.ts'
import { ManualClock } from '../support/vault/manual-clock.ts'

/** How often a store is looked at for those who ask. */

const test = suite('s3api/readiness')
const fine = { ready: true, reasons: [] }

/** A check whose store answers when it is told to. */
function openCheck() {
  const clock = new ManualClock()
  const waiting: { resolve(): void; reject(error: Error): void }[] = []
  // ReadinessCheck asks nothing else of a backend.
  const backend = {
    check: () => new Promise<void>((resolve, reject) => void waiting.push({ resolve, reject })),
  } as unknown as Backend
  return { clock, waiting, readiness: new ReadinessCheck({ backend }, clock) }
}

test('all who ask while the store is looked at hear what that one look found', async () => {
  const { readiness, waiting } = openCheck()
  const asked = Array.from({ length: 30 }, () => readiness.ask())
  waiting[0]?.reject(new BackendError('unavailable', 'the disk is gone'))
  for (const answer of await Promise.all(asked)) {
    assert.equal(answer, { ready: false, reasons: ['store: the disk is gone'] })
  }
  assert.is(waiting.length, 1)
})

test('an answer stands for a second from when it was looked for, and no longer', async () => {
  const { readiness, waiting, clock } = openCheck()
  const first = readiness.ask()
  await clock.advance(400)
  waiting[0]?.resolve()
  assert.equal(await first, fine)
  await clock.advance(599)
  assert.equal(await readiness.ask(), fine)
  assert.is(waiting.length, 1)
  await clock.advance(1)
  const second = readiness.ask()
  waiting[1]?.reject(new BackendError('unavailable', 'the disk is gone'))
  assert.is((await second).ready, false)
  assert.is(waiting.length, 2)
})

test('a store that did not answer in time is asked again, and by then may do so', async () => {
  const { readiness, waiting, clock } = openCheck()
  assert.equal((await readiness.ask()).reasons, ['store: no answer within 3 s'])
  await clock.advance(1_000)
  const asked = readiness.ask()
  waiting[1]?.resolve()
  assert.equal(await asked, fine)
})

test.run()
