import { Client, credentials, type ServiceError, status } from '@grpc/grpc-js'
import protobuf from 'protobufjs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { toTarget } from '../../control/address.ts'
import { batchItemsMax, messageSizeMax, protoFile } from '../../control/proto.ts'
import { messagePartsMax } from '../../control/server/message-parts.ts'
import { startTestControl, type TestControl } from '../support/control.ts'

const test = suite('control/message-parts')

const types = protobuf.loadSync(protoFile)

function encode(typeName: string, message: object): Buffer {
  const type = types.lookupType(`sealgate.kms.v1.${typeName}`)
  return Buffer.from(type.encode(type.fromObject(message)).finish())
}

/** What control answers to the bytes: the code of its status. */
async function withSender(
  use: (send: (method: string, bytes: Buffer) => Promise<status>, control: TestControl) => Promise<void>,
): Promise<void> {
  const control = await startTestControl()
  const client = new Client(toTarget(control.address), credentials.createInsecure())
  const same = (bytes: Buffer) => bytes
  const send = (method: string, bytes: Buffer) =>
    new Promise<status>((resolve) => {
      const path = `/sealgate.kms.v1.${method}`
      client.makeUnaryRequest(path, same, same, bytes, (error: ServiceError | null) =>
        resolve(error?.code ?? status.OK),
      )
    })
  try {
    await use(send, control)
  } finally {
    client.close()
    await control.close()
  }
}

/** Entries of a context that is as small as its names allow. */
const contextOf = (entries: number) =>
  Object.fromEntries(Array.from({ length: entries }, (_, index) => [index.toString(36), '']))

test('a message of more parts than a full batch has is not decoded', () =>
  withSender(async (send) => {
    const empty = Buffer.from([0x0a, 0])
    const many = Buffer.alloc(messageSizeMax - 16, empty)
    assert.is(await send('Keys/DecryptBatch', many), status.INTERNAL)
    assert.is(await send('Keys/ReportUses', many), status.INTERNAL)
    const context = encode('DecryptRequest', { context: contextOf(messagePartsMax + 1) })
    assert.is(await send('Keys/Decrypt', context), status.INTERNAL)
    const nested = encode('DecryptBatchRequest', { items: [{ context: contextOf(messagePartsMax) }] })
    assert.is(await send('Keys/DecryptBatch', nested), status.INTERNAL)
  }))

test('what passes is told the limit that it breaks, and control answers on', () =>
  withSender(async (send, { keys }) => {
    const items = Array.from({ length: batchItemsMax + 1 }, () => ({}))
    assert.is(await send('Keys/DecryptBatch', encode('DecryptBatchRequest', { items })), status.OUT_OF_RANGE)
    const wide = encode('DecryptRequest', { keyId: 'a', context: contextOf(messagePartsMax) })
    assert.is(await send('Keys/Decrypt', wide), status.OUT_OF_RANGE)
    const key = await keys.generateDataKey({ keyId: 'my-minio-key', context: contextOf(64) })
    const { keyId, sealed } = key
    const request = encode('DecryptRequest', { keyId, sealed, context: contextOf(64) })
    assert.is(await send('Keys/Decrypt', request), status.OK)
  }))

test('a batch of as many items with as many entries as are allowed is answered', () =>
  withSender(async (send) => {
    const context = contextOf(64)
    const items = Array.from({ length: batchItemsMax }, () => ({ keyId: 'a', sealed: 1, context }))
    assert.is(await send('Keys/ReportUses', encode('ReportUsesRequest', { items })), status.OK)
  }))

test('bytes that are no message are refused as before', () =>
  withSender(async (send) => {
    for (const bytes of ['0aff', '1a80', '0a0a', 'ffffffffffffffffffffff']) {
      assert.is(await send('Keys/DecryptBatch', Buffer.from(bytes, 'hex')), status.INTERNAL, bytes)
    }
  }))

test.run()
