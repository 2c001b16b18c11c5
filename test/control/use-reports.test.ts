import { type ServiceError, status } from '@grpc/grpc-js'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { UseReports } from '../../control/connection/use-reports.ts'
import { KmsError } from '../../control/errors.ts'
import { messageSizeMax } from '../../control/proto.ts'
import type { KeyUses } from '../../control/service.ts'
import { systemClock } from '../../control/session/session-clock.ts'
import { startTestControl } from '../support/control.ts'

const test = suite('control/use-reports')

const contextOf = (index: number, size = 8_000) => ({ index: String(index), rest: 'x'.repeat(size) })
const indexesOf = (items: readonly KeyUses[]) => items.map(({ context }) => Number(context.index))
const upTo = (count: number) => Array.from({ length: count }, (_, index) => index)

/** What gRPC says of a message that is too large, as the client throws it. */
function tooLarge(): KmsError {
  const details = 'Received message larger than max (9 vs 8)'
  const cause: Partial<ServiceError> = Object.assign(new Error(details), {
    code: status.RESOURCE_EXHAUSTED,
    details,
  })
  return new KmsError('unavailable', details, { cause })
}

/** Reports to a control service of their own. */
async function withReports(use: (reports: UseReports, told: KeyUses[][]) => Promise<void>): Promise<void> {
  const control = await startTestControl()
  const told: KeyUses[][] = []
  const reportUses = async (items: readonly KeyUses[]) => {
    await control.keys.reportUses(items)
    told.push([...items])
  }
  const reports = new UseReports({ reportUses }, systemClock)
  try {
    await use(reports, told)
  } finally {
    await reports.close()
    await control.close()
  }
}

test('uses with large contexts are told in reports that control takes', () =>
  withReports(async (reports, told) => {
    for (const index of upTo(200)) reports.count('sealed', 'my-minio-key', contextOf(index))
    await reports.tell()
    assert.equal(told.flatMap(indexesOf), upTo(200))
    assert.ok(told.length > 1)
    assert.is(reports.lost, 0)
  }))

test('uses that no message can hold are lost, and no others with them', () =>
  withReports(async (reports, told) => {
    reports.count('sealed', 'a', contextOf(0))
    for (const kind of ['sealed', 'opened'] as const) reports.count(kind, 'a', contextOf(1, messageSizeMax))
    reports.count('sealed', 'a', contextOf(2))
    await reports.tell()
    assert.equal(told.flatMap(indexesOf), [0, 2])
    assert.is(reports.lost, 2)
  }))

test('uses that cannot be told go on with the next ones', async () => {
  const told: unknown[] = []
  let away = true
  const reports = new UseReports(
    {
      async reportUses(items) {
        if (away) throw new Error('control is away')
        told.push(...items)
      },
    },
    systemClock,
  )
  reports.count('sealed', 'a', {})
  await reports.tell()
  reports.count('sealed', 'a', {})
  reports.count('opened', 'a', { b: 'c' })
  away = false
  await reports.close()
  assert.equal(told, [
    { keyId: 'a', context: {}, sealed: 2, opened: 0 },
    { keyId: 'a', context: { b: 'c' }, sealed: 0, opened: 1 },
  ])
})

test('a report that is refused as too large is told in parts, and its largest item lost', async () => {
  const told: KeyUses[] = []
  const reports = new UseReports(
    {
      async reportUses(items) {
        if (JSON.stringify(items).length > 20_000) throw tooLarge()
        told.push(...items)
      },
    },
    systemClock,
  )
  for (const index of upTo(9)) reports.count('opened', 'a', contextOf(index, index === 4 ? 20_000 : 8_000))
  await reports.tell()
  assert.equal(indexesOf(told), [0, 1, 2, 3, 5, 6, 7, 8])
  assert.is(reports.lost, 1)
  await reports.close()
  assert.is(told.length, 8)
})

test('with control away one report is tried, and every use is told when it is back', async () => {
  const told: KeyUses[] = []
  let calls = 0
  let away = true
  const reports = new UseReports(
    {
      async reportUses(items) {
        calls++
        if (away) throw new KmsError('unavailable', 'control is away')
        told.push(...items)
      },
    },
    systemClock,
  )
  for (const index of upTo(200)) reports.count('sealed', 'a', contextOf(index))
  await reports.tell()
  assert.is(calls, 1)
  away = false
  await reports.close()
  assert.equal(
    indexesOf(told).sort((a, b) => a - b),
    upTo(200),
  )
  assert.is(reports.lost, 0)
})

test.run()
