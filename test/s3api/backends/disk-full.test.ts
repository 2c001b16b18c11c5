import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { pino } from 'pino'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { openDiskBackend } from '../../../s3api/backends/disk/index.ts'
import { countFiles, withDirectory } from '../../support/files.ts'
import { withFrontEnd } from '../../support/front-end.ts'
import { withClient } from '../../support/s3-client.ts'
import { skip } from '../../support/skip.ts'

const test = suite('s3api/backends/disk-full')

const MiB = 1024 * 1024

/** A file system of its own, in memory; false where only root may have one. */
function mount(directory: string, { size = 24 * MiB, inodes = 100_000 } = {}): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size},nr_inodes=${inodes}`, 'tmpfs', directory], {
      stdio: 'ignore',
    })
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

test('a disk that is full of objects, of any size, can be emptied, and what was freed is written again', () =>
  withDirectory(async (directory) => {
    if (!mount(directory, { size: 64 * MiB })) return
    try {
      // Once more with a log that begins anew.
      for (const large of [8 * MiB, 60_000]) {
        await withFrontEnd({ directory }, async ({ send }) => {
          const put = async (key: string, size: number) =>
            (await send({ method: 'PUT', target: `/bucket/${key}`, body: Buffer.alloc(size, 'x') })).status
          await send({ method: 'PUT', target: '/bucket' })
          const stored: string[] = []
          for (const size of [large, 60_000, 400_000, 60_000, 100]) {
            for (let status = 200, count = 0; status === 200; count++) {
              const key = `${size}-${stored.length}`
              status = await put(key, size)
              if (status === 200) stored.push(key)
              else assert.is(status, 507)
              assert.ok(count < 2_000)
            }
          }
          assert.is(await put('tiny', 1), 507)
          const upload = await send({ method: 'POST', target: '/bucket/upload?uploads' })
          assert.is(upload.code, 'InsufficientStorage')
          for (const key of stored.splice(0, 20)) {
            assert.is((await send({ method: 'DELETE', target: `/bucket/${key}` })).status, 204, key)
          }
          const body = `<Delete>${stored.map((key) => `<Object><Key>${key}</Key></Object>`).join('')}</Delete>`
          const md5 = { 'content-md5': createHash('md5').update(body).digest('base64') }
          const removed = await send({ method: 'POST', target: '/bucket?delete', body, headers: md5 })
          assert.is(removed.body.match(/<Deleted>/g)?.length, stored.length)
          // The janitor takes a moment for the files.
          for (let attempt = 0; countFiles(`${directory}/.sealgate/data`) > 0; attempt++) {
            assert.ok(attempt < 200, 'the files go')
            await new Promise((resolve) => setTimeout(resolve, 100))
          }
          for (let key = 0; key < 50; key++) assert.is(await put(`again-${key}`, 60_000), 200)
          for (let key = 0; key < 50; key++) {
            assert.is((await send({ method: 'DELETE', target: `/bucket/again-${key}` })).status, 204)
          }
          assert.is((await send({ method: 'DELETE', target: '/bucket' })).status, 204)
        })
      }
    } finally {
      execFileSync('umount', ['-l', directory])
    }
  }))

test('replaced parts, which stay for their readers, go when the disk is nearly full', () =>
  withDirectory(async (directory) => {
    if (!mount(directory)) return
    try {
      await withFrontEnd({ directory }, ({ url }) =>
        withClient(url, async (client) => {
          await client.send(new CreateBucketCommand({ Bucket: 'bucket' }))
          const upload = async () => {
            const target = { Bucket: 'bucket', Key: 'key' }
            const { UploadId } = await client.send(new CreateMultipartUploadCommand(target))
            const Parts = []
            // An object of one file goes at once: who reads it has it open.
            for (const [index, size] of [5 * MiB, MiB].entries()) {
              const part = { ...target, UploadId, PartNumber: index + 1 }
              const { ETag } = await client.send(
                new UploadPartCommand({ ...part, Body: Buffer.alloc(size, 'x') }),
              )
              Parts.push({ PartNumber: index + 1, ETag })
            }
            const MultipartUpload = { Parts }
            await client.send(new CompleteMultipartUploadCommand({ ...target, UploadId, MultipartUpload }))
          }
          const files = () => countFiles(`${directory}/.sealgate/data`)
          await upload()
          await upload()
          assert.is(files(), 4)
          await upload()
          // Three are 18 of 24 MiB; with what the database takes, and 2.4 MiB, nothing may wait any more.
          await client.send(
            new PutObjectCommand({ Bucket: 'bucket', Key: 'more', Body: Buffer.alloc(4 * MiB, 'x') }),
          )
          for (let attempt = 0; files() > 3; attempt++) {
            assert.ok(attempt < 200, `${files()} files`)
            await new Promise((resolve) => setTimeout(resolve, 100))
          }
          const { Body } = await client.send(new GetObjectCommand({ Bucket: 'bucket', Key: 'key' }))
          assert.is((await Body?.transformToByteArray())?.length, 6 * MiB)
        }),
      )
    } finally {
      execFileSync('umount', ['-l', directory])
    }
  }))

test('a disk without room for the folders of a new store is an error that says so', () =>
  withDirectory(async (directory) => {
    if (!mount(directory, { inodes: 40 })) return
    try {
      const log = pino({ level: 'silent' })
      const failure = await openDiskBackend({ directory, log }).then(
        () => 'it is open',
        (error: Error) => error.message,
      )
      assert.match(failure, /^ENOSPC: .* mkdir/)
    } finally {
      execFileSync('umount', [directory])
    }
  }))

test.run()
