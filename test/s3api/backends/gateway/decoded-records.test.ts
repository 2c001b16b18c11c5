import { randomBytes } from 'node:crypto'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { DareError } from '../../../../engine/index.ts'
import { DecodedRecords } from '../../../../s3api/backends/gateway/decoded-records.ts'
import { encodeRecord } from '../../../../s3api/backends/gateway/stored-record.ts'

const test = suite('s3api/backends/gateway/decoded-records')

function json(key: string): Uint8Array {
  const record = {
    size: 5,
    etag: 'e'.repeat(32),
    modifiedAtMs: 1_700_000_000_123,
    headers: { 'content-type': 'text/plain' },
    metadata: { color: 'blue' },
    storageClass: 'STANDARD',
    parts: [{ number: 1, size: 5 }],
    envelope: new Uint8Array(randomBytes(300)),
  }
  return encodeRecord({ bucket: 'bucket', key, record })
}

test('the same bytes give the same record, any others another', () => {
  const records = new DecodedRecords()
  const bytes = json('key')
  const { record } = records.decode(bytes)
  assert.is(records.decode(new Uint8Array(bytes)).record, record)
  const changed = Buffer.from(bytes)
  changed.write('blot', changed.indexOf('blue'))
  const other = records.decode(changed).record
  assert.equal([record.metadata.color, other.metadata.color], ['blue', 'blot'])
  assert.is(records.decode(bytes).record, record)
})

test('nobody can change what the next one gets', () => {
  const { record } = new DecodedRecords().decode(json('key'))
  for (const part of [record, record.headers, record.metadata, record.parts, record.parts?.[0]]) {
    assert.ok(Object.isFrozen(part))
  }
  assert.throws(() => Object.assign(record.metadata, { color: 'red' }), TypeError)
})

test('what cannot be decoded is an error each time', () => {
  const records = new DecodedRecords()
  const cut = json('key').subarray(1)
  for (let time = 0; time < 2; time++)
    assert.throws(
      () => records.decode(cut),
      (error: unknown) => error instanceof DareError,
    )
})

test('they are bounded: those that were not read for long are decoded anew', () => {
  const records = new DecodedRecords()
  const [old, used] = [json('old'), json('used')]
  const first = { old: records.decode(old), used: records.decode(used) }
  // 16 MiB, of which each takes some 5 KiB.
  for (let index = 0; index < 6000; index++) {
    records.decode(json(`key ${index}`))
    if (index % 100 === 0) records.decode(used)
  }
  assert.is(records.decode(used), first.used)
  assert.is.not(records.decode(old), first.old)
})

test.run()
