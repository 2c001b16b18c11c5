import { randomBytes } from 'node:crypto'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type SystemRecords, systemRecordSizeMax } from '../../s3api/backends/backend.ts'

import { possibleKeys, type StoreLimits } from './backend/limits.ts'

/** An empty store, seen through two doors: two processes of one store, or one door twice where there can be only one. */
export interface RecordsUnderTest {
  readonly records: SystemRecords
  readonly others: SystemRecords
  /** Of a foreign store below. */
  readonly limits?: StoreLimits
  close(): Promise<void>
}

const bytes = (text: string) => new TextEncoder().encode(text)
const textOf = (value: Uint8Array | undefined) => Buffer.from(value ?? '').toString()

/** What the system records of every backend promise. */
export function systemRecordsContract(name: string, open: () => Promise<RecordsUnderTest>): void {
  const test = suite(`contract/system-records: ${name}`)

  const fact = (title: string, check: (under: RecordsUnderTest) => Promise<void>) =>
    test(title, async () => {
      const under = await open()
      try {
        await check(under)
      } finally {
        await under.close()
      }
    })

  fact('a record that nobody put is undefined', async ({ records }) => {
    assert.is(await records.get('epochs/none'), undefined)
  })

  for (const size of [0, 1, systemRecordSizeMax]) {
    fact(`${size} bytes come back as they were put, also through another door`, async (under) => {
      const value = randomBytes(size)
      assert.is(await under.records.put('a/b', value), true)
      for (const records of [under.records, under.others]) {
        assert.ok(Buffer.from((await records.get('a/b')) ?? 'nothing').equals(value))
      }
    })
  }

  fact('a put replaces what was there', async ({ records, others }) => {
    await records.put('a', bytes('old'))
    assert.is(await others.put('a', bytes('new')), true)
    assert.is(textOf(await records.get('a')), 'new')
  })

  fact('of many puts that want to be the first exactly one is', async ({ records, others }) => {
    const doors = Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? records : others))
    const won = await Promise.all(
      doors.map((door, index) => door.put('first', bytes(`value ${index}`), { onlyIfAbsent: true })),
    )
    assert.is(won.filter(Boolean).length, 1)
    assert.is(textOf(await records.get('first')), `value ${won.indexOf(true)}`)
  })

  fact('a deleted record is gone, and deleting nothing is no error', async ({ records, others }) => {
    await records.put('a', bytes('value'))
    await others.delete('a')
    await records.delete('a')
    assert.is(await records.get('a'), undefined)
    assert.is(await records.put('a', bytes('again'), { onlyIfAbsent: true }), true)
  })

  fact('a list has the names below a prefix in byte order, page by page', async ({ records, limits }) => {
    const all = ['p/a', 'p/a.b', 'p/a/b', 'p/a_b', 'p/b', 'p/0', 'p', 'q/a', 'o/z']
    const names = possibleKeys(all, limits)
    for (const name of names) await records.put(name, bytes(name))
    const below = names.filter((name) => name.startsWith('p/')).sort()
    assert.equal(await records.list('p/', { after: '', limit: 100 }), below)
    const paged: string[] = []
    for (let page = ['']; page.length > 0; ) {
      page = [...(await records.list('p/', { after: paged.at(-1) ?? '', limit: 2 }))]
      assert.ok(page.length <= 2)
      paged.push(...page)
    }
    assert.equal(paged, below)
    assert.equal(await records.list('', { after: 'p/b', limit: 100 }), ['q/a'])
  })

  fact('a name or value that no backend has to take is refused', async ({ records }) => {
    for (const name of ['', 'A', 'a b', 'é', 'x'.repeat(513)]) {
      await refused(() => records.put(name, bytes('value')))
      await refused(() => records.get(name))
    }
    await refused(() => records.put('a', randomBytes(systemRecordSizeMax + 1)))
  })

  test.run()
}

async function refused(work: () => Promise<unknown>): Promise<void> {
  const outcome = await work().then(
    () => 'taken',
    () => 'refused',
  )
  assert.is(outcome, 'refused')
}
