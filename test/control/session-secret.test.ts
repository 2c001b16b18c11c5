import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { SessionSecret } from '../../control/session/session-secret.ts'

const test = suite('control/session-secret')

const neverWrapped = () => Promise.reject(new Error('nothing was wrapped'))

for (const [kind, value] of [
  ['Buffer', Buffer.from('a secret id')],
  ['Uint8Array', new TextEncoder().encode('a secret id')],
] as const) {
  test(`a ${kind} given as the secret is there again after its reader has wiped it`, async () => {
    const secret = new SessionSecret({ kind: 'value', value }, neverWrapped)
    for (let login = 0; login < 2; login++) {
      const read = await secret.read()
      assert.is(new TextDecoder().decode(read), 'a secret id')
      read.fill(0)
    }
  })
}

test.run()
