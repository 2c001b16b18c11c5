// An instance that is there and says nothing: a process that was stopped, a machine that swaps, a network that drops.
import { pino } from 'pino'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { connectKeyService } from '../../control/client.ts'
import { Endpoints } from '../../control/connection/endpoints.ts'
import { HealthWatch } from '../../control/connection/health-watch.ts'
import { InstanceWatch } from '../../control/connection/watch-client.ts'
import { rejectsWith } from '../contracts/provider.ts'
import { withInstances } from '../support/control-instances.ts'
import { until } from '../support/vault/fixture.ts'
import { ManualClock } from '../support/vault/manual-clock.ts'

const test = suite('control/frozen')

/** More than the heartbeat of a Watch. */
const silenceMs = 6_000

test('an instance that hangs leaves its calls to the other', async () => {
  await withInstances(['one', 'two'], async ([one, two]) => {
    assert.ok(one && two)
    const keys = connectKeyService([one.address, two.address], { deadlineMs: 2_000 })
    try {
      await keys.generateDataKey({ context: {} })
      one.program.child.kill('SIGSTOP')
      for (let call = 0; call < 20; call++) await keys.generateDataKey({ context: {} })
    } finally {
      one.program.child.kill('SIGCONT')
      await keys.close()
    }
  })
})

test('an instance that let a call wait in vain is asked last, until it says that it serves', async () => {
  await withInstances(['one', 'two'], async ([one, two]) => {
    assert.ok(one && two)
    const endpoints = new Endpoints([one.address, two.address])
    const picked = () => new Set(Array.from({ length: 4 }, () => endpoints.pick(new Set()).target))
    try {
      await until(() => endpoints.allServing)
      assert.is(picked().size, 2)
      const [frozen, other] = endpoints.all
      assert.ok(frozen && other)
      one.program.child.kill('SIGSTOP')
      endpoints.doubt(frozen)
      assert.equal([...picked()], [other.target])
      one.program.child.kill('SIGCONT')
      await until(() => picked().size === 2)
    } finally {
      one.program.child.kill('SIGCONT')
      endpoints.close()
    }
  })
})

test('of a call that no instance answers, only the one that had the full time of an attempt is doubted', async () => {
  await withInstances(['one', 'two'], async ([one, two]) => {
    assert.ok(one && two)
    const told: string[] = []
    const log = pino({}, { write: (line: string) => told.push(JSON.parse(line).health) })
    const count = (health: string) => told.filter((other) => other === health).length
    const keys = connectKeyService([one.address, two.address], { deadlineMs: 1_000, log })
    try {
      await until(() => count('serving') === 2)
      for (const { program } of [one, two]) program.child.kill('SIGSTOP')
      await rejectsWith('unavailable', keys.generateDataKey({ context: {} }))
      assert.is(count('unknown'), 1)
    } finally {
      for (const { program } of [one, two]) program.child.kill('SIGCONT')
      await keys.close()
    }
  })
})

test('an instance that says at once that it serves is not doubted again for five seconds', async () => {
  await withInstances(['one'], async ([one]) => {
    assert.ok(one)
    const endpoints = new Endpoints([one.address])
    const clock = new ManualClock()
    const [endpoint] = endpoints.all
    assert.ok(endpoint)
    const watch = new HealthWatch(
      endpoint.client,
      () => {},
      () => clock.steadyMs(),
    )
    const serves = () => until(() => watch.health === 'serving')
    try {
      await serves()
      watch.doubt()
      assert.is(watch.health, 'unknown')
      await serves()
      await clock.advance(4_999)
      watch.doubt()
      assert.is(watch.health, 'serving')
      await clock.advance(1)
      watch.doubt()
      assert.is(watch.health, 'unknown')
      await serves()
    } finally {
      watch.close()
      endpoints.close()
    }
  })
})

test('whoever watches an instance notices that it hangs, and hears it when it goes on', async () => {
  await withInstances(['one'], async ([one]) => {
    assert.ok(one)
    const endpoints = new Endpoints([one.address])
    const heardIds: (string | undefined)[] = []
    const [endpoint] = endpoints.all
    assert.ok(endpoint)
    const watch = new InstanceWatch(endpoint.client, {
      onState: (state) => heardIds.push(typeof state === 'object' ? state.instanceId : undefined),
      onRefused: () => {},
      silenceMs,
    })
    try {
      await until(() => heardIds.length > 0)
      const [heard] = heardIds
      one.program.child.kill('SIGSTOP')
      await until(() => heardIds.at(-1) === undefined)
      one.program.child.kill('SIGCONT')
      await until(() => heardIds.at(-1) === heard)
    } finally {
      one.program.child.kill('SIGCONT')
      watch.close()
      endpoints.close()
    }
  })
})

test('a single instance that hangs is unavailable, and answers when it goes on', async () => {
  await withInstances(['one'], async ([one]) => {
    assert.ok(one)
    const keys = connectKeyService(one.address, { deadlineMs: 500 })
    try {
      await until(() =>
        keys.status().then(
          () => true,
          () => false,
        ),
      )
      one.program.child.kill('SIGSTOP')
      await rejectsWith('unavailable', keys.generateDataKey({ context: {} }))
      one.program.child.kill('SIGCONT')
      await until(() =>
        keys.generateDataKey({ context: {} }).then(
          () => true,
          () => false,
        ),
      )
    } finally {
      one.program.child.kill('SIGCONT')
      await keys.close()
    }
  })
})

test.run()
