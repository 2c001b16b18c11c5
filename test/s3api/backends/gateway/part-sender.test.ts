import { pino } from 'pino'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { BackendError } from '../../../../s3api/backends/backend.ts'
import type { UpstreamBody } from '../../../../s3api/backends/gateway/body.ts'
import { PartSender } from '../../../../s3api/backends/gateway/part-sender.ts'
import { SystemBucket } from '../../../../s3api/backends/gateway/system-records.ts'
import { UploadStore } from '../../../../s3api/backends/gateway/upload-store.ts'
import { Upstream } from '../../../../s3api/backends/gateway/upstream.ts'
import { rejection } from '../../../support/throws.ts'
import { startUpstreamStore } from '../../../support/upstream-store.ts'

const test = suite('s3api/backends/gateway: part-sender')
const log = pino({ level: 'silent' })

class WithoutCredentials extends Upstream {
  override async begin(): Promise<never> {
    throw new BackendError('unavailable', 'there are no credentials')
  }
}

class WatchedSystem extends SystemBucket {
  readonly opened: UpstreamBody[] = []
  override async open(key: string) {
    const body = await super.open(key)
    this.opened.push(body)
    return body
  }
}

test('a parked part whose request cannot begin is let go of', async () => {
  const store = await startUpstreamStore()
  const upstream = new WithoutCredentials(store.config(), { log, now: Date.now })
  try {
    const system = new WatchedSystem(upstream, 'sealgate-system')
    await system.prepare()
    const uploads = new UploadStore(system, log)
    const sender = new PartSender({ upstream, double: { s3: false, c: false }, system, store: uploads })
    const upload = { bucket: 'bucket', key: 'key', uploadId: 'upload', ...facts }
    // Larger than what comes with the answer's head.
    const storedSize = 1024 * 1024
    await system.put(uploads.parkedKey(upload, 1, 'parked'), new Uint8Array(storedSize))
    const part = { number: 1, size: storedSize, etag: 'etag', modifiedAtMs: 0, generation: 'one' }
    const placed = { part, storedSize, place: { parkedAs: 'parked' } }
    const sent = sender.sendParked(upload, placed, { area: new Uint8Array(1), asked: undefined })
    assert.match((await rejection(sent)).message, /credentials/)
    assert.is(system.opened.length, 1)
    for (const body of system.opened) await rejection(body.bytes(storedSize))
  } finally {
    await upstream.close()
    await store.close()
  }
})

const facts = { initiatedAtMs: 0, headers: {}, metadata: {}, storageClass: 'STANDARD' }

test.run()
