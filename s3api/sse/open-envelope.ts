import type { DataKeys } from './data-keys.ts'
import { type Envelope, envelopeMacKey, type MacFacts, parseEnvelope, verifyEnvelope } from './envelope.ts'
import type { CustomerKey } from './headers.ts'
import { unsealKey } from './object-keys.ts'
import type { OpenedEnvelope } from './opened-envelopes.ts'

/**
 * The object key of a stored envelope, after envelope, name and facts were found to belong together. `check` sees the envelope
 * before anything is opened. Errors: those of `check` and of {@link unsealKey}, DareError `tag-mismatch`.
 */
export async function openEnvelope(
  keys: DataKeys | undefined,
  {
    stored,
    bucket,
    key,
    facts,
  }: {
    readonly stored: Uint8Array
    readonly bucket: string
    readonly key: string
    readonly facts: MacFacts
  },
  customerKey: CustomerKey | undefined,
  check: (envelope: Envelope) => void = () => {},
): Promise<OpenedEnvelope> {
  const name = { bucket, key }
  // Who brings a key to an object that needs none is told so.
  const known = customerKey === undefined ? keys?.opened.find(stored, name) : undefined
  if (known !== undefined) {
    const { envelope, objectKey, macKey } = known
    return authentic({ envelope, objectKey }, () => {
      if (known.facts === facts) return
      verifyEnvelope(stored, { macKey, bucket, key, facts })
      keys?.opened.found(stored, facts)
    })
  }
  // A copy: what is kept must not keep more of the store's answer.
  const own = new Uint8Array(stored)
  const envelope = parseEnvelope(own)
  check(envelope)
  const objectKey = await unsealKey(keys, envelope, name, customerKey)
  return authentic({ envelope, objectKey }, () => {
    const macKey = envelopeMacKey(objectKey)
    verifyEnvelope(own, { macKey, bucket, key, facts })
    keys?.opened.add(own, name, { envelope, objectKey, macKey })
  })
}

function authentic(opened: OpenedEnvelope, verify: () => void): OpenedEnvelope {
  try {
    verify()
    return opened
  } catch (error) {
    opened.objectKey.fill(0)
    throw error
  }
}
