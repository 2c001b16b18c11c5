import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { withDirectory } from '../../support/files.ts'
import { type TestFrontEnd, withFrontEnd } from '../../support/front-end.ts'
import { until } from '../../support/served.ts'
import { skip } from '../../support/skip.ts'

/** The store's folder goes away under a front-end, or cannot be written, and comes back. */

const test = suite('s3api/backends/disk-away')

const large = Buffer.alloc(400_000, 'large')

/** A store with an object of each size; its folder is `store` in the directory. */
const withStore = (work: (front: TestFrontEnd, store: string) => Promise<void>): Promise<void> =>
  withDirectory(async (directory) => {
    const store = join(directory, 'store')
    mkdirSync(store)
    await withFrontEnd({ directory: store }, async (front) => {
      await front.send({ method: 'PUT', target: '/bucket' })
      await front.send({ method: 'PUT', target: '/bucket/small', body: 'small' })
      await front.send({ method: 'PUT', target: '/bucket/large', body: large })
      await work(front, store)
    })
  })

const statusOf = async ({ send }: TestFrontEnd, method: string, key: string, body?: Uint8Array | string) =>
  (await send({ method, target: `/bucket/${key}`, ...(body !== undefined && { body }) })).status

async function expectAway(front: TestFrontEnd, reason: RegExp): Promise<void> {
  assert.is(await statusOf(front, 'PUT', 'new', 'small'), 503)
  assert.is(await statusOf(front, 'PUT', 'new', large), 503)
  assert.is(await statusOf(front, 'DELETE', 'small'), 503)
  assert.is((await front.send({ method: 'POST', target: '/bucket/new?uploads' })).status, 503)
  const { ready, reasons } = await front.frontEnd.ready()
  assert.is(ready, false)
  assert.match(reasons.join(), reason)
}

async function expectBack(front: TestFrontEnd): Promise<void> {
  await until(async () => (await front.frontEnd.ready()).ready)
  assert.is(await statusOf(front, 'GET', 'new'), 404)
  assert.is((await front.send({ method: 'GET', target: '/bucket/small' })).body, 'small')
  assert.is((await front.send({ method: 'GET', target: '/bucket/large' })).body, large.toString())
  assert.is(await statusOf(front, 'PUT', 'new', 'small'), 200)
  assert.is(await statusOf(front, 'PUT', 'new', large), 200)
}

for (const [what, inPlace] of [
  ['nothing', false],
  ['an empty folder', true],
] as const) {
  test(`a store in whose place there is ${what} takes no write, and goes on when it is back`, () =>
    withStore(async (front, store) => {
      renameSync(store, `${store}-away`)
      if (inPlace) mkdirSync(store)
      await expectAway(front, /store: the data directory cannot be reached/)
      assert.is(await statusOf(front, 'GET', 'large'), 503)
      if (inPlace) rmSync(store, { recursive: true })
      renameSync(`${store}-away`, store)
      await expectBack(front)
    }))
}

test('a store that was replaced under a front-end takes no write that a restart would lose', () =>
  withStore(async (front, store) => {
    cpSync(store, `${store}-backup`, { recursive: true })
    renameSync(store, `${store}-away`)
    renameSync(`${store}-backup`, store)
    await expectAway(front, /store: the file of the metadata is not the one that was opened/)
    renameSync(store, `${store}-backup`)
    renameSync(`${store}-away`, store)
    await expectBack(front)
  }))

test('metadata that cannot be written are 503, not ready, and are read all the same', () =>
  withStore(async (front, store) => {
    const log = join(store, '.sealgate', 'meta.sqlite-wal')
    try {
      execFileSync('chattr', ['+i', log], { stdio: 'ignore' })
    } catch {
      skip('metadata that cannot be written: run the tests as root on a file system that has chattr')
      return
    }
    try {
      await expectAway(front, /store: the metadata cannot be had: disk I\/O error/)
      assert.is(await statusOf(front, 'GET', 'small'), 200)
      assert.is(await statusOf(front, 'GET', 'large'), 200)
    } finally {
      execFileSync('chattr', ['-i', log])
    }
    await expectBack(front)
  }))

test.run()
