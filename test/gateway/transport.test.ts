import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { BackendError } from '../../s3api/backends/backend.ts'
import { createCredentialSource } from '../../s3api/backends/gateway/credentials.ts'
import { startTestControl } from '../support/control.ts'
import { withDirectory } from '../support/files.ts'
import { credential, serveGateway, serveStore } from '../support/gateway-front-end.ts'
import { startRecordingRelay } from '../support/recording-relay.ts'
import { createAuthority, createCertificate } from '../support/vault/certificates.ts'

const test = suite('gateway/transport')
const Bucket = 'bucket'
const bodies = [Buffer.from('small'), randomBytes(700_000)]

/** A store that is reached through a relay which remembers what went there, behind a certificate of a private authority. */
async function withRelay(
  { secure }: { readonly secure: boolean },
  work: (site: { readonly url: string; readonly caFile: string; sent(): string }) => Promise<void>,
): Promise<void> {
  await withDirectory(async (directory) => {
    const authority = await createAuthority('a private authority')
    const caFile = join(directory, 'ca.pem')
    writeFileSync(caFile, authority.cert)
    const store = await serveStore()
    try {
      const relay = await startRecordingRelay(
        store.url,
        secure ? await createCertificate(authority) : undefined,
      )
      try {
        await work({ url: relay.url, caFile, sent: () => relay.sent() })
      } finally {
        await relay.close()
      }
    } finally {
      await store.close()
    }
  })
}

async function putAndGet(client: S3Client): Promise<void> {
  await client.send(new CreateBucketCommand({ Bucket }))
  for (const [index, Body] of bodies.entries()) {
    const name = { Bucket, Key: `${index}` }
    await client.send(new PutObjectCommand({ ...name, Body }))
    const { Body: got } = await client.send(new GetObjectCommand(name))
    assert.ok(Buffer.from((await got?.transformToByteArray()) ?? []).equals(Body))
  }
}

/** What the PUTs of objects said of their payload. */
function payloads(sent: string): string[] {
  const heads = sent.matchAll(/PUT \/bucket\/\d+(?:\?\S*)? HTTP\/1\.1\r\n((?:[^\r\n]+\r\n)+)/g)
  return [...heads].map(([, head = '']) => /^x-amz-content-sha256: (.*)\r$/m.exec(head)?.[1] ?? 'nothing')
}

for (const mode of ['pass-through', 'single'] as const) {
  test(`${mode}, over TLS with a private authority: payloads are not signed, TLS keeps them whole`, () =>
    withRelay({ secure: true }, async ({ url, caFile, sent }) => {
      const control = await startTestControl()
      try {
        const gateway = await serveGateway(url, {
          config: { caFile },
          ...(mode === 'single' && { keys: control.keys, frontEnd: { autoEncryption: true } }),
        })
        try {
          await putAndGet(gateway.client)
        } finally {
          await gateway.close()
        }
        assert.equal(payloads(sent()), ['UNSIGNED-PAYLOAD', 'UNSIGNED-PAYLOAD'])
        assert.not.match(sent(), /chunk-signature/)
      } finally {
        await control.close()
      }
    }))

  test(`${mode}, over plain HTTP: every byte is signed, of large bodies chunk by chunk`, () =>
    withRelay({ secure: false }, async ({ url, sent }) => {
      const control = await startTestControl()
      try {
        const gateway = await serveGateway(url, {
          ...(mode === 'single' && { keys: control.keys, frontEnd: { autoEncryption: true } }),
        })
        try {
          await putAndGet(gateway.client)
        } finally {
          await gateway.close()
        }
        const [small = '', large] = payloads(sent())
        assert.match(small, /^[0-9a-f]{64}$/)
        assert.is(large, 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD')
        // Three batches of 256 KiB, and the empty chunk.
        assert.is(sent().match(/;chunk-signature=[0-9a-f]{64}\r\n/g)?.length, 4)
      } finally {
        await control.close()
      }
    }))
}

test('a store whose certificate nobody vouches for is not spoken to', () =>
  withRelay({ secure: true }, async ({ url, sent }) => {
    const control = await startTestControl()
    try {
      await serveGateway(url, { keys: control.keys }).then(
        () => assert.unreachable('it was spoken to'),
        (error: Error) => assert.match(error.message, /certificate/),
      )
      assert.is(sent(), '')
    } finally {
      await control.close()
    }
  }))

test('requests are signed with the keys of a profile, and of no other where that is missing', () =>
  withDirectory(async (directory) => {
    const store = await serveStore()
    const file = join(directory, 'credentials')
    const { accessKey, secretKey } = credential
    const profiles = `
# of the store
[default]
aws_access_key_id = somebody-else
aws_secret_access_key = nothing
[ store ]
aws_access_key_id=${accessKey}
aws_secret_access_key = ${secretKey}
`
    writeFileSync(file, profiles)
    const credentials = { kind: 'profile', file, profile: 'store' } as const
    try {
      const gateway = await serveGateway(store.url, { config: { credentials } })
      try {
        await putAndGet(gateway.client)
      } finally {
        await gateway.close()
      }
      const absent = createCredentialSource({ ...credentials, profile: 'absent' })
      const refused = await absent().catch((error: unknown) => error)
      assert.instance(refused, BackendError)
      assert.match(String(refused), /profile absent has no access key id and secret/)
    } finally {
      await store.close()
    }
  }))

test.run()
