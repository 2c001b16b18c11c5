import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { KeyRing } from '../../control/client.ts'
import { rejectsWith } from '../contracts/provider.ts'
import { policyOf, withTcpControl } from '../support/tcp-control.ts'
import { until } from '../support/vault/fixture.ts'

/** What becomes of the keys of a client that policy allows nothing any more. */

const test = suite('control/shut-out')

const photos = { photos: 'photos/cat' }
const request = { bucketContext: photos, objectContext: () => photos }

/** Takes a key, lets `shutOut` happen, and sees that it was given up. */
async function requireGivenUp(ring: KeyRing, shutOut: (given: () => Promise<void>) => Promise<void>) {
  try {
    const { plaintext, ...key } = await ring.dataKey(request)
    assert.equal(await ring.open({ ...key, context: photos }), plaintext)
    await shutOut(async () => {
      await until(async () => {
        return ring.dataKey(request).then(
          () => false,
          () => true,
        )
      })
      await rejectsWith('access-denied', ring.dataKey(request))
      await rejectsWith('access-denied', ring.open({ ...key, context: photos }))
    })
  } finally {
    await ring.close()
  }
}

test('a client that policy shuts out is told nothing more, and gives up the keys that it was lent', () =>
  withTcpControl(
    (identity) => policyOf(identity, {}),
    async ({ connect, tls, identity, registry }) => {
      const watchers = async () => /sealgate_kms_watchers (\d)/.exec(await registry.metrics())?.[1]
      const ring = new KeyRing({ service: connect() })
      await until(async () => (await watchers()) === '1')
      await requireGivenUp(ring, async (givenUp) => {
        tls.write('policy.json', policyOf(identity))
        await until(async () => (await watchers()) === '0')
        await givenUp()
      })
    },
  ))

test('so it does where control was started again with the policy that shuts it out', () =>
  withTcpControl(
    (identity) => policyOf(identity, {}),
    async ({ connect, tls, identity, control }) => {
      const [host = '', port = ''] = control.address.split(':')
      const files = {
        certFile: tls.path('server.pem'),
        keyFile: tls.path('server.key'),
        caFile: tls.path('ca.pem'),
      }
      const address = { kind: 'tcp', host, port: Number(port), tls: files } as const
      await requireGivenUp(new KeyRing({ service: connect() }), async (givenUp) => {
        await control.close()
        await withTcpControl(() => policyOf(identity), givenUp, { address })
      })
    },
  ))

test.run()
