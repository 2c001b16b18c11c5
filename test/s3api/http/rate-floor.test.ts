import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { S3Error } from '../../../s3api/errors.ts'
import { RateFloor } from '../../../s3api/http/rate-floor.ts'
import { rejection } from '../../support/throws.ts'

const test = suite('s3api/http/rate-floor')
const never = () => new Promise<never>(() => {})
const after = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

async function withFloor(work: (floor: RateFloor) => Promise<void>): Promise<void> {
  // 1,000 bytes a second over 30 ms: 30 bytes a window.
  const floor = new RateFloor(1_000, 30)
  try {
    await work(floor)
  } finally {
    floor.close()
  }
}

test('a client that moves nothing for a window is too slow', () =>
  withFloor(async (floor) => {
    const error = await rejection(floor.wait(never()))
    assert.instance(error, S3Error)
    assert.is((error as S3Error).code, 'RequestTimeout')
  }))

test('waits add up: many short ones are as slow as a long one', () =>
  withFloor(async (floor) => {
    const error = await rejection(
      (async () => {
        for (let count = 0; count < 100; count++) {
          await floor.wait(after(5))
          floor.moved(1)
        }
      })(),
    )
    assert.is((error as S3Error).code, 'RequestTimeout')
  }))

test('a client that moved enough in a window gets another one', () =>
  withFloor(async (floor) => {
    floor.moved(1_000)
    await floor.wait(after(45))
  }))

test('time that is not spent waiting for the client does not count', () =>
  withFloor(async (floor) => {
    await floor.wait(after(1))
    await after(80)
    assert.is(await floor.wait(Promise.resolve('here')), 'here')
  }))

test('what the client ends with is passed on', () =>
  withFloor(async (floor) => {
    const gone = new Error('gone')
    assert.is(await rejection(floor.wait(Promise.reject(gone))), gone)
  }))

test.run()
