import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { JoinedMetrics, type Metrics } from '../../cli/joined-metrics.ts'

const test = suite('cli/joined-metrics')

/** Of a process that has done so many requests, the last of which is under way. */
function metricsOf(requests: number): Promise<Metrics> {
  const registers = [new Registry()] as const
  const counter = new Counter({
    name: 'requests_total',
    help: '-',
    labelNames: ['code'],
    registers: [...registers],
  })
  const seconds = new Histogram({ name: 'seconds', help: '-', buckets: [1], registers: [...registers] })
  new Gauge({ name: 'in_flight', help: '-', registers: [...registers] }).set(1)
  counter.inc({ code: 'OK' }, requests)
  for (let request = 0; request < requests; request++) seconds.observe(2)
  return registers[0].getMetricsAsJSON()
}

const shown = (text: string) => ({
  requests: Number(/^requests_total\{code="OK"\} (\d+)$/m.exec(text)?.[1]),
  count: Number(/^seconds_count (\d+)$/m.exec(text)?.[1]),
  inFlight: Number(/^in_flight (\d+)$/m.exec(text)?.[1] ?? 0),
})

test('what ended processes have counted stays in the sum, and what they had in hand does not', async () => {
  const joined = new JoinedMetrics()
  const join = async (told: readonly (readonly [number, number])[], running: readonly number[]) => {
    const all = await Promise.all(told.map(async ([pid, count]) => [pid, await metricsOf(count)] as const))
    return shown(await joined.join(new Map(all), new Set(running)))
  }
  const first = [
    [1, 3],
    [2, 5],
  ] as const
  assert.equal(await join(first, [1, 2]), { requests: 8, count: 8, inFlight: 2 })
  assert.equal(await join([[2, 6]], [1, 2]), { requests: 9, count: 9, inFlight: 1 })
  assert.equal(await join([[2, 6]], [2]), { requests: 9, count: 9, inFlight: 1 })
  assert.equal(
    await join(
      [
        [3, 1],
        [2, 6],
      ],
      [2, 3],
    ),
    { requests: 10, count: 10, inFlight: 2 },
  )
  assert.equal(await join([[4, 1]], [4]), { requests: 11, count: 11, inFlight: 1 })
  assert.equal(await join([], []), { requests: 11, count: 11, inFlight: 0 })
})

test.run()
