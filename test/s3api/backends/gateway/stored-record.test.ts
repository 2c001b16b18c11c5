import { randomBytes } from 'node:crypto'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { DareError } from '../../../../engine/index.ts'
import type { ObjectRecord } from '../../../../s3api/backends/backend.ts'
import {
  decodeRecord,
  encodeArea,
  encodeMarker,
  encodeRecord,
  type NamedRecord,
  parseArea,
  parseMarker,
  plannedAreaSize,
} from '../../../../s3api/backends/gateway/stored-record.ts'
import { toHex } from '../../../../s3api/text.ts'

const test = suite('s3api/backends/gateway: stored record')

const checksum = { algorithm: 'CRC32', type: 'FULL_OBJECT', value: 'AAAAAA==' } as const

function named(members: Partial<ObjectRecord> = {}): NamedRecord {
  return {
    bucket: 'bucket',
    key: 'ключ/😀',
    record: {
      size: 5,
      etag: 'e'.repeat(32),
      modifiedAtMs: 1_700_000_000_123,
      headers: { 'content-type': 'text/plain' },
      metadata: { color: 'grün' },
      storageClass: 'STANDARD',
      envelope: new Uint8Array(randomBytes(300)),
      ...members,
    },
  }
}

/** As text: the difference of two long records is nothing that an assertion should look for. */
const textOf = ({ record: { envelope, ...record }, ...name }: NamedRecord) =>
  JSON.stringify([
    Object.entries(name).sort(),
    Object.entries(record).sort(),
    toHex(envelope ?? new Uint8Array(0)),
  ])

const many = Array.from({ length: 10_000 }, (_, index) => ({ number: index + 1, size: 8_388_608, checksum }))

for (const [title, record] of [
  ['a plain one', named()],
  [
    'one with everything',
    named({ owner: 'o'.repeat(64), checksum, parts: [{ number: 1, size: 2 }, ...many] }),
  ],
  [
    'one with checksums of some parts',
    named({
      parts: [
        { number: 2, size: 1 },
        { number: 9, size: 4, checksum },
      ],
    }),
  ],
] as const) {
  test(`a record comes back from its area: ${title}`, () => {
    const area = encodeArea(encodeRecord(record))
    const found = parseArea(Buffer.concat([Buffer.from('data'), area]))
    assert.is(found?.areaSize, area.length)
    assert.ok(textOf(decodeRecord(found?.json ?? new Uint8Array(0))) === textOf(record))
  })
}

test('a planned area has room for the digests that come later', () => {
  const planned = plannedAreaSize(named({ modifiedAtMs: 0 }))
  const later = named({ owner: 'o'.repeat(64), checksum: { ...checksum, value: 'x'.repeat(88) } })
  const area = encodeArea(encodeRecord(later), planned)
  assert.is(area.length, planned)
  assert.is(textOf(decodeRecord(parseArea(area)?.json ?? new Uint8Array(0))), textOf(later))
})

test('an area that is longer than what was read says how long it is', () => {
  const area = encodeArea(encodeRecord(named()))
  assert.equal(parseArea(area.subarray(100)), { areaSize: area.length, json: undefined })
})

test('bytes that end in no footer have no area', () => {
  assert.is(parseArea(new Uint8Array(0)), undefined)
  assert.is(parseArea(randomBytes(100)), undefined)
})

test('a marker carries a record where it fits beside the metadata', () => {
  const record = named()
  const found = parseMarker(encodeMarker(record) ?? '')
  assert.is(found && textOf(found), textOf(record))
  assert.is(encodeMarker(named({ metadata: { long: 'x'.repeat(1900) } })), undefined)
  assert.is(parseMarker(encodeMarker() ?? ''), undefined)
})

test('whatever is changed in a footer or a marker is an error or no area, never another record', () => {
  const record = named()
  const area = encodeArea(encodeRecord(record))
  for (let index = area.length - 20; index < area.length; index++) {
    const changed = Buffer.from(area)
    changed[index] = (changed[index] ?? 0) ^ 0x40
    try {
      const json = parseArea(changed)?.json
      if (json !== undefined) assert.is(textOf(decodeRecord(json)), textOf(record))
    } catch (error) {
      assert.instance(error, DareError)
    }
  }
  for (const marker of ['', '2', '1;', '1;!', '1;AAAA', '1;eyJ9']) {
    assert.throws(
      () => parseMarker(marker),
      (error: unknown) => error instanceof DareError,
    )
  }
})

test.run()
