import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Backend } from '../../../s3api/backends/backend.ts'
import { openDiskBackend } from '../../../s3api/backends/disk/index.ts'
import { rejectsWith } from '../../contracts/backend/fixture.ts'

const test = suite('s3api/backends/disk buckets')
const log = pino({ level: 'silent' })

/** Two front-ends of one store. */
async function withTwo(work: (one: Backend, other: Backend) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'sealgate-buckets-'))
  const one = await openDiskBackend({ directory, log })
  const other = await openDiskBackend({ directory, log })
  try {
    await work(one, other)
  } finally {
    await one.close()
    await other.close()
    rmSync(directory, { recursive: true, force: true })
  }
}

test('what one front-end has changed of a bucket, the other answers with at once', async () => {
  await withTwo(async (one, other) => {
    await rejectsWith('no-such-bucket', other.getBucket('b'))
    await one.createBucket('b')
    assert.is((await other.getBucket('b')).versioning, 'unversioned')
    assert.is(await other.getBucketSetting('b', 'policy'), undefined)
    for (let round = 0; round < 50; round++) {
      const [writer, reader] = round % 2 === 0 ? [one, other] : [other, one]
      await writer.setBucketSetting('b', 'policy', `policy ${round}`)
      assert.is(await reader.getBucketSetting('b', 'policy'), `policy ${round}`)
      assert.is(await writer.getBucketSetting('b', 'policy'), `policy ${round}`)
    }
    await other.setVersioning('b', 'enabled')
    assert.is((await one.getBucket('b')).versioning, 'enabled')
    await one.setBucketSetting('b', 'policy', undefined)
    assert.is(await other.getBucketSetting('b', 'policy'), undefined)
    await other.deleteBucket('b')
    await rejectsWith('no-such-bucket', one.getBucket('b'))
    await rejectsWith('no-such-bucket', one.getBucketSetting('b', 'policy'))
  })
})

test('a bucket that was made anew has none of the settings of the one before', async () => {
  await withTwo(async (one, other) => {
    await one.createBucket('b', { settings: { policy: 'old' } })
    assert.is(await other.getBucketSetting('b', 'policy'), 'old')
    await one.deleteBucket('b')
    await one.createBucket('b')
    assert.is(await other.getBucketSetting('b', 'policy'), undefined)
  })
})

test('a command that cannot be executed fails alone', async () => {
  await withTwo(async (one) => {
    // All but the first are committed together.
    const names = ['b0', 'b1', 'a text that is\0cut', 'b2', 'b3']
    const outcomes = await Promise.allSettled(names.map((name) => one.createBucket(name)))
    assert.equal(
      outcomes.map(({ status }) => status),
      ['fulfilled', 'fulfilled', 'rejected', 'fulfilled', 'fulfilled'],
    )
    for (const name of ['b0', 'b1', 'b2', 'b3']) await one.getBucket(name)
  })
})

test.run()
