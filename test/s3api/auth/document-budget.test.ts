import { randomBytes } from 'node:crypto'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { openBody } from '../../../s3api/auth/body.ts'
import { DocumentBudget, type DocumentRoom } from '../../../s3api/auth/document-budget.ts'
import { rejection } from '../../support/throws.ts'

const test = suite('s3api/auth/document-budget')
const kibibyte = 1024
const documentSizeMax = 1024 * kibibyte

function bodyOf(pieces: AsyncIterable<Uint8Array>, { room, size }: { room: DocumentRoom; size?: number }) {
  return openBody({
    headers: new Map(size === undefined ? [] : [['content-length', String(size)]]),
    authentication: { payload: { kind: 'unsigned' } },
    source: pieces,
    ignoreChecksums: false,
    documentSizeMax,
    room,
  })
}

test('a document takes room as it comes, whatever it announces', async () => {
  const budget = new DocumentBudget(documentSizeMax, () => {})
  const room = budget.open()
  const bytes = randomBytes(700 * kibibyte)
  const held: number[] = []
  async function* pieces() {
    for (let start = 0; start < bytes.length; start += 50 * kibibyte) {
      held.push(budget.held / kibibyte)
      yield bytes.subarray(start, start + 50 * kibibyte)
    }
  }
  const read = await bodyOf(pieces(), { room, size: bytes.length }).readAll()
  assert.ok(bytes.equals(read))
  assert.equal(held, [64, 64, 128, 256, 256, 256, 512, 512, 512, 512, 512, 700, 700, 700])
  assert.is(budget.held, bytes.length)
  room.release()
  assert.is(budget.held, 0)
})

test('documents of every size around the steps of growing arrive whole, announced or not', async () => {
  const budget = new DocumentBudget(documentSizeMax, () => {})
  for (const step of [4 * kibibyte, 64 * kibibyte, 128 * kibibyte, documentSizeMax]) {
    for (const size of [step - 1, step, Math.min(step + 1, documentSizeMax)]) {
      const bytes = randomBytes(size)
      const pieces = async function* () {
        for (let start = 0; start < size; start += 1000) yield bytes.subarray(start, start + 1000)
      }
      for (const announced of [{ size }, {}]) {
        const room = budget.open()
        const read = await bodyOf(pieces(), { room, ...announced }).readAll()
        assert.ok(bytes.equals(read), `${size}`)
        assert.ok(budget.held <= documentSizeMax)
        room.release()
      }
    }
  }
  assert.is(budget.held, 0)
})

test('what finds no room is told to slow down, and counted', async () => {
  let refused = 0
  const budget = new DocumentBudget(100 * kibibyte, () => refused++)
  const [first, second] = [budget.open(), budget.open()]
  first.resize(60 * kibibyte)
  const pieces = async function* () {
    yield new Uint8Array(1)
  }
  const error = await rejection(bodyOf(pieces(), { room: second, size: 41 * kibibyte }).readAll())
  assert.match(error.message, /reduce your request rate/)
  assert.equal([refused, budget.held], [1, 60 * kibibyte])
  second.resize(40 * kibibyte)
  second.release()
  second.release()
  assert.is(budget.held, 60 * kibibyte)
})

test.run()
