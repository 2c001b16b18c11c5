import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { ContentCheck, contentPieces } from '../../bench/soak/content.ts'
import { KnownObjects } from '../../bench/soak/objects.ts'
import type { Answer } from '../../bench/soak/s3-client.ts'
import { Tally } from '../../bench/soak/tally.ts'
import { judge, type Run } from '../../bench/soak/verdict.ts'
import type { ProcessSample } from '../../bench/soak/watch.ts'

const test = suite('bench/soak')

test('content is recognised from any place, and nothing else is taken for it', () => {
  const size = 2_500_000
  const bytes = Buffer.concat([...contentPieces(7, size)])
  assert.is(bytes.length, size)
  assert.ok(Buffer.concat([...contentPieces(7, 1000, 5)]).equals(bytes.subarray(5, 1005)))
  const right = (from: Uint8Array, { seed = 7, offset = 0 } = {}) => {
    const check = new ContentCheck(seed, offset)
    for (let done = 0; done < from.length; done += 99_999) check.take(from.subarray(done, done + 99_999))
    return check.right
  }
  assert.ok(right(bytes))
  assert.ok(right(bytes.subarray(1_234_567), { offset: 1_234_567 }))
  assert.not.ok(right(bytes, { seed: 8 }))
  assert.not.ok(right(bytes, { offset: 1 }))
  const flipped = Buffer.from(bytes)
  flipped.writeUInt8(flipped.readUInt8(size - 1) ^ 1, size - 1)
  assert.not.ok(right(flipped))
})

test('a key is certain again when the next request to it was answered', () => {
  const objects = new KnownObjects('a/', 2)
  const object = { seed: 1, size: 2, mode: 'plain' } as const
  assert.equal(objects.certain(), [])
  objects.mayBe('a/0', object)
  assert.equal(objects.at('a/0'), [undefined, object])
  assert.equal(objects.certain(), [])
  objects.is('a/0', object)
  assert.equal(objects.certain(), [['a/0', object]])
})

const answer = (status: number, code: string | undefined): Answer => ({
  status,
  code,
  headers: {},
  text: '',
  whole: true,
})

test('an error is unexpected unless the request deserves it or it is excused', () => {
  const tally = new Tally()
  tally.answered(answer(200, undefined))
  tally.answered(answer(403, 'AccessDenied'), ['AccessDenied'])
  tally.excuse(['ServiceUnavailable'])
  tally.answered(answer(503, 'ServiceUnavailable'))
  assert.equal(tally.counts().unexpected, [])
  tally.excuse([])
  tally.answered(answer(503, 'ServiceUnavailable'))
  tally.answered(answer(200, undefined), ['AccessDenied'])
  assert.is(tally.counts().unexpected.length, 2)
  assert.equal(tally.counts().codes, { AccessDenied: 1, ServiceUnavailable: 2 })
})

const sample = (residentMib: number): readonly ProcessSample[] =>
  (['supervisor', 'front-end'] as const).map((role) => ({ pid: 1, role, residentMib, descriptors: 1 }))

const goodRun: Run = {
  counts: { requests: 1, codes: {}, unexpected: [], wrong: [] },
  samples: [100, 200, 200, 200, 205, 210, 205, 208].map(sample),
  delays: [0.001, 0.2, 0.002],
  lostFiles: 0,
  descriptors: { before: 40, after: 41 },
}
const failures = (run: Run) => judge(run).filter(({ good }) => !good).length

test('the verdict finds growing memory, wrong bytes, lost files and open descriptors', () => {
  assert.is(failures(goodRun), 0)
  assert.is(failures({ ...goodRun, samples: [1, 2, 3, 4, 5, 6, 7, 8].map((n) => sample(n * 40)) }), 2)
  assert.is(failures({ ...goodRun, counts: { ...goodRun.counts, wrong: ['x'], unexpected: ['y'] } }), 2)
  assert.is(failures({ ...goodRun, lostFiles: 1, descriptors: { before: 40, after: 140 } }), 2)
  assert.is(failures({ ...goodRun, delays: [0.1, 0.1, 0.001] }), 1)
  assert.is(failures({ ...goodRun, delays: [0.001, Number.NaN, 0.001] }), 1)
})

test.run()
