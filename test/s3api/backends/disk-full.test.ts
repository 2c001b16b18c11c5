import { execFileSync } from 'node:child_process'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { countFiles, withDirectory } from '../../support/files.ts'
import { withFrontEnd } from '../../support/front-end.ts'
import { skip } from '../../support/skip.ts'

const test = suite('s3api/backends/disk-full')

const MiB = 1024 * 1024
const diskSize = 24 * MiB

/** A file system of its own, in memory; false where only root may have one. */
function mount(directory: string): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${diskSize}`, 'tmpfs', directory], { stdio: 'ignore' })
    return true
  } catch {
    skip('a full disk: run the tests as root on Linux, so that they can mount a tmpfs')
    return false
  }
}

test('a full disk is 507, what was there stays, and room that is made can be used', () =>
  withDirectory(async (directory) => {
    if (!mount(directory)) return
    try {
      await withFrontEnd({ directory }, async (front) => {
        const put = (key: string, body: Uint8Array | string) =>
          front.send({ method: 'PUT', target: `/bucket/${key}`, body })
        await front.send({ method: 'PUT', target: '/bucket' })
        const kept = Buffer.alloc(8 * MiB, 'kept')
        assert.is((await put('kept', kept)).status, 200)
        const files = countFiles(`${directory}/.sealgate/data`)
        for (const key of ['kept', 'new']) {
          const { status, code } = await put(key, Buffer.alloc(20 * MiB, 'x'))
          assert.equal([status, code], [507, 'InsufficientStorage'], key)
        }
        assert.is((await front.send({ method: 'GET', target: '/bucket/kept' })).body, kept.toString())
        assert.is((await front.send({ method: 'GET', target: '/bucket/new' })).code, 'NoSuchKey')
        assert.is(countFiles(`${directory}/.sealgate/data`), files)
        assert.is((await put('small', 'still room for this')).status, 200)
        assert.is((await front.send({ method: 'DELETE', target: '/bucket/kept' })).status, 204)
        // The janitor takes a moment.
        for (let attempt = 0; ; attempt++) {
          const { status } = await put('new', Buffer.alloc(10 * MiB, 'x'))
          if (status === 200) break
          assert.ok(attempt < 50, `${status} although there is room`)
          await new Promise((resolve) => setTimeout(resolve, 100))
        }
      })
    } finally {
      execFileSync('umount', ['-l', directory])
    }
  }))

test('a disk that fills up with small objects refuses more of them, and takes them when there is room', () =>
  withDirectory(async (directory) => {
    if (!mount(directory)) return
    try {
      await withFrontEnd({ directory }, async (front) => {
        await front.send({ method: 'PUT', target: '/bucket' })
        const body = Buffer.alloc(60_000, 'small')
        let stored = 0
        for (; ; stored++) {
          const { status, code } = await front.send({ method: 'PUT', target: `/bucket/${stored}`, body })
          if (status === 200) continue
          assert.ok(status === 507 || status === 503, `${status} ${code}`)
          break
        }
        assert.ok(stored > 20)
        for (const key of [0, stored - 1]) {
          assert.is((await front.send({ method: 'GET', target: `/bucket/${key}` })).body, body.toString())
        }
      })
    } finally {
      execFileSync('umount', ['-l', directory])
    }
  }))

test.run()
