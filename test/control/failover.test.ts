import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { connectKeyService, type KeyService } from '../../control/client.ts'
import { KmsError } from '../../control/errors.ts'
import { withInstances } from '../support/control-instances.ts'

const test = suite('control/failover')

const inFlight = 16
const callsBefore = 200
const callsAfter = 600

/** Calls without pause, so many at once; the errors that they had. */
function load(keys: KeyService) {
  const errors: unknown[] = []
  let calls = 0
  let ending = false
  const worker = async () => {
    while (!ending) {
      await keys
        .generateDataKey({ context: { bucket: 'bucket' } })
        .catch((error: unknown) => errors.push(error))
      calls++
    }
  }
  const workers = Array.from({ length: inFlight }, worker)
  return {
    errors,
    async until(count: number) {
      const target = calls + count
      while (calls < target) await new Promise((resolve) => setTimeout(resolve, 5))
    },
    async end() {
      ending = true
      await Promise.all(workers)
    },
  }
}

for (const [how, signal] of [
  ['killed', 'SIGKILL'],
  ['drained', 'SIGTERM'],
] as const) {
  test(`of two instances under load, one can be ${how} and started again without a failed call`, async () => {
    await withInstances(['one', 'two'], async ([one, two]) => {
      assert.ok(one && two)
      const keys = connectKeyService([one.address, two.address])
      const traffic = load(keys)
      try {
        await traffic.until(callsBefore)
        await one.program.end(signal)
        await traffic.until(callsAfter)
        await one.start()
        await traffic.until(callsAfter)
        await two.program.end(signal)
        await traffic.until(callsAfter)
      } finally {
        await traffic.end()
        await keys.close()
      }
      assert.equal(traffic.errors.map(String), [])
    })
  })
}

test('with every instance away, calls fail as unavailable, and go on when one is back', async () => {
  await withInstances(['one', 'two'], async ([one, two]) => {
    assert.ok(one && two)
    const keys = connectKeyService([one.address, two.address], { deadlineMs: 1_000 })
    try {
      await Promise.all([one.program.end('SIGKILL'), two.program.end('SIGKILL')])
      const error = await keys.generateDataKey({ context: {} }).then(
        () => undefined,
        (caught: unknown) => caught,
      )
      assert.ok(error instanceof KmsError && error.code === 'unavailable')
      await two.start()
      let answered = false
      while (!answered) {
        answered = await keys.generateDataKey({ context: {} }).then(
          () => true,
          () => false,
        )
      }
    } finally {
      await keys.close()
    }
  })
})

test.run()
