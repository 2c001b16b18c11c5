import { randomBytes } from 'node:crypto'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { KmsError, type KmsErrorCode } from '../../control/errors.ts'
import type { Provider } from '../../control/providers/provider.ts'

/** A provider under test: started and ready, with `defaultKeyId` and `otherKeyId`, if it has one, to seal with. */
export interface ProviderUnderTest {
  readonly provider: Provider
  /** A second key of the same KMS, or undefined where there can be only one. */
  readonly otherKeyId?: string
  /** Ends the provider and whatever stands behind it. */
  close(): Promise<void>
}

const signal = () => AbortSignal.timeout(10_000)
const context = { bucket: 'bucket/path/to object <&> "é"' }

/** What every provider promises. */
export function providerContract(name: string, open: () => Promise<ProviderUnderTest>): void {
  const test = suite(`contract/provider: ${name}`)

  const fact = (title: string, check: (under: ProviderUnderTest, keyId: string) => Promise<void>) =>
    test(title, async () => {
      const under = await open()
      try {
        await check(under, under.provider.defaultKeyId)
      } finally {
        await under.close()
      }
    })

  fact('a data key has 32 bytes and opens again', async ({ provider }, keyId) => {
    const { plaintext, sealed } = await provider.generateDataKey({ keyId, context, signal: signal() })
    assert.is(plaintext.length, 32)
    assert.not.ok(Buffer.from(sealed).includes(Buffer.from(plaintext)))
    assert.ok(sealed.length <= 4096)
    const opened = await provider.decrypt({ keyId, sealed, context, signal: signal() })
    assert.equal(Buffer.from(opened), Buffer.from(plaintext))
  })

  fact('no two data keys are the same', async ({ provider }, keyId) => {
    const request = { keyId, context }
    const first = await provider.generateDataKey({ ...request, signal: signal() })
    const second = await provider.generateDataKey({ ...request, signal: signal() })
    assert.not.equal(Buffer.from(first.plaintext), Buffer.from(second.plaintext))
    assert.not.equal(Buffer.from(first.sealed), Buffer.from(second.sealed))
  })

  fact('a tampered sealed key is invalid-ciphertext', async ({ provider }, keyId) => {
    const { sealed } = await provider.generateDataKey({ keyId, context, signal: signal() })
    // The last character before a base64 padding may have bits that do not count; one in the middle has not.
    const tampered = Buffer.from(sealed)
    const middle = Math.floor(tampered.length / 2)
    tampered[middle] = tampered[middle] === 0x41 ? 0x42 : 0x41
    await rejectsWith(
      'invalid-ciphertext',
      provider.decrypt({ keyId, sealed: tampered, context, signal: signal() }),
    )
  })

  for (const bytes of [0, 1, 40]) {
    fact(`${bytes} bytes of nonsense are invalid-ciphertext`, async ({ provider }, keyId) => {
      const sealed = randomBytes(bytes)
      await rejectsWith('invalid-ciphertext', provider.decrypt({ keyId, sealed, context, signal: signal() }))
    })
  }

  fact('a key id that does not exist is refused', async ({ provider }) => {
    const keyId = 'no-such-key'
    const error = await provider.generateDataKey({ keyId, context, signal: signal() }).then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    assert.instance(error, KmsError)
    // A KMS whose policy names the keys denies access to the others rather than tell which exist.
    assert.ok(error instanceof KmsError && ['key-not-found', 'access-denied'].includes(error.code))
  })

  fact('what one key sealed another does not open', async ({ provider, otherKeyId }, keyId) => {
    if (otherKeyId === undefined) return
    const { sealed } = await provider.generateDataKey({ keyId, context, signal: signal() })
    await rejectsWith(
      'invalid-ciphertext',
      provider.decrypt({ keyId: otherKeyId, sealed, context, signal: signal() }),
    )
  })

  for (const size of [1, 32, 65_536]) {
    fact(`a payload of ${size} bytes is sealed and opens again`, async ({ provider }, keyId) => {
      const plaintext = randomBytes(size)
      const sealed = await provider.encrypt({ keyId, plaintext, context, signal: signal() })
      const opened = await provider.decrypt({ keyId, sealed, context, signal: signal() })
      assert.ok(Buffer.from(opened).equals(plaintext))
    })
  }

  fact('a session that is ready says so, without a reason', async ({ provider }) => {
    const { ready, reason } = provider.session()
    assert.is(ready, true)
    assert.is(reason, '')
  })

  fact('closing twice does no harm', async ({ provider }) => {
    await provider.close()
    await provider.close()
  })

  test.run()
}

export async function rejectsWith(code: KmsErrorCode, promise: Promise<unknown>): Promise<void> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  assert.instance(error, KmsError)
  assert.is(error instanceof KmsError && error.code, code)
}
