import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { credential, serveGateway, serveStore } from '../support/gateway-front-end.ts'
import { withKept } from '../support/kept.ts'
import { startRecordingRelay } from '../support/recording-relay.ts'
import { sendSigned } from '../support/signed-request.ts'

const test = suite('gateway/pass-through-copies')

test('a copy source goes to the store as it was judged: a + as the blank that it stands for', () =>
  withKept(async (keep) => {
    const store = keep(await serveStore())
    const relay = keep(await startRecordingRelay(store.url))
    const gateway = keep(await serveGateway(relay.url, {}))
    const put = async (target: string, headers = {}) =>
      (await sendSigned(gateway.url, { method: 'PUT', target, headers }, credential)).status
    assert.equal([await put('/bucket'), await put('/bucket/a%20b')], [200, 200])
    assert.is(await put('/bucket/copy', { 'x-amz-copy-source': '/bucket/a+b' }), 200)
    assert.match(relay.sent(), /^x-amz-copy-source: \/bucket\/a%20b\r$/m)
  }))

test.run()
