import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Turns, type Waiting } from '../../engine/turns.ts'
import { propertyRuns } from '../support/property.ts'

const test = suite('engine/turns')
const togetherMax = 3

interface Work extends Waiting {
  readonly id: number
}

function waiting(...works: readonly (readonly [stream: number, joins: boolean])[]): Turns<Work> {
  const turns = new Turns<Work>(togetherMax)
  for (const [id, [stream, joins]] of works.entries()) turns.add({ id, stream, joins })
  return turns
}

/** The ids of turn after turn. */
function all(turns: Turns<Work>): number[][] {
  const ids: number[][] = []
  for (let turn = turns.next(); turn.length > 0; turn = turns.next()) ids.push(turn.map(({ id }) => id))
  return ids
}

test('where nothing waits there is no turn', () => {
  assert.equal(waiting().next(), [])
})

test('what does not join comes alone, in the order of its arrival', () => {
  assert.equal(all(waiting([1, false], [2, false], [1, false])), [[0], [1], [2]])
})

test('what joins takes along the first of each other stream, up to the most', () => {
  const turns = waiting([1, true], [1, true], [2, true], [3, true], [4, true], [2, true])
  assert.equal(all(turns), [
    [0, 2, 3],
    [1, 4, 5],
  ])
})

test('what does not join is neither taken along nor kept from its turn', () => {
  assert.equal(all(waiting([1, true], [2, false], [3, true])), [[0, 2], [1]])
  assert.equal(all(waiting([1, false], [2, true], [3, true])), [[0], [1, 2]])
})

test('a stream’s order is kept where what it has first does not join', () => {
  assert.equal(all(waiting([1, true], [2, false], [2, true])), [[0], [1], [2]])
})

test('whatever arrives is done once, each stream’s in order, the oldest in the next turn', () => {
  const arrivals = fc.array(fc.tuple(fc.nat({ max: 5 }), fc.boolean()), { maxLength: 40 })
  fc.assert(
    fc.property(arrivals, (works) => {
      const ids = all(waiting(...works))
      const left = new Set(works.keys())
      for (const turn of ids) {
        assert.is(turn[0], Math.min(...left))
        assert.is(new Set(turn.map((id) => works[id]?.[0])).size, turn.length)
        for (const id of turn) assert.ok(left.delete(id))
      }
      assert.is(left.size, 0)
      for (const stream of new Set(works.map(([each]) => each))) {
        const order = ids.flat().filter((id) => works[id]?.[0] === stream)
        assert.equal(
          order,
          order.toSorted((a, b) => a - b),
        )
      }
    }),
    propertyRuns,
  )
})

test.run()
