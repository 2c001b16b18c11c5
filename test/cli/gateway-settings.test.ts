import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { ConfigError } from '../../cli/config-error.ts'
import { Environment } from '../../cli/environment.ts'
import { parseGateway } from '../../cli/gateway.ts'
import { withDirectory } from '../support/files.ts'

const test = suite('cli/gateway-settings')

type Variables = Readonly<Record<string, string>>
const clients = { SEALGATE_ACCESS_KEY: 'access', SEALGATE_SECRET_KEY: 'secret-key' }
const masterKey = { MINIO_SSE_MASTER_KEY: `my-key:${'5a'.repeat(32)}` }

const parse = (env: Variables, endpoint = 'https://s3.example.com') =>
  parseGateway(new Environment({ ...clients, ...env }), {}, endpoint).store.config

function messageOf(env: Variables, endpoint?: string): string {
  try {
    parse(env, endpoint)
  } catch (error) {
    if (error instanceof ConfigError) return error.message
    throw error
  }
  return ''
}

test('the mode follows from KMS and MINIO_GATEWAY_SSE', () => {
  const modes: readonly [Variables, passThrough: boolean, double: { s3: boolean; c: boolean }][] = [
    [{}, true, { s3: false, c: false }],
    [masterKey, false, { s3: false, c: false }],
    [{ ...masterKey, MINIO_GATEWAY_SSE: 's3' }, false, { s3: true, c: false }],
    [{ ...masterKey, MINIO_GATEWAY_SSE: 'C' }, false, { s3: false, c: true }],
    [{ ...masterKey, MINIO_GATEWAY_SSE: 's3;c' }, false, { s3: true, c: true }],
  ]
  for (const [env, passThrough, double] of modes) {
    const config = parse(env)
    assert.is(config.passThrough, passThrough)
    assert.equal(config.double, double)
  }
  assert.match(messageOf({ MINIO_GATEWAY_SSE: 's3' }), /MINIO_GATEWAY_SSE.*no KMS/)
  assert.match(messageOf({ ...masterKey, MINIO_GATEWAY_SSE: 's3,c' }), /MINIO_GATEWAY_SSE/)
  const overHttp = messageOf({ ...masterKey, MINIO_GATEWAY_SSE: 'c' }, 'http://s3.example.com')
  assert.match(overHttp, /MINIO_GATEWAY_SSE.*https/)
})

test('the store’s keys are its own, those of a profile, or the clients’', () =>
  withDirectory(async (directory) => {
    const file = join(directory, 'credentials')
    writeFileSync(
      file,
      '[default]\naws_access_key_id = a\naws_secret_access_key = b\n[half]\naws_access_key_id = a\n',
    )
    const own = { SEALGATE_BACKEND_ACCESS_KEY: 'k', SEALGATE_BACKEND_SECRET_KEY: 's' }
    assert.equal(parse({}).credentials, {
      kind: 'static',
      credential: { accessKey: 'access', secretKey: 'secret-key' },
    })
    assert.equal(parse(own).credentials, {
      kind: 'static',
      credential: { accessKey: 'k', secretKey: 's' },
    })
    const profiles = { SEALGATE_BACKEND_CREDENTIALS_FILE: file }
    assert.equal(parse(profiles).credentials, { kind: 'profile', file, profile: 'default' })
    for (const profile of ['half', 'absent']) {
      const message = messageOf({ ...profiles, SEALGATE_BACKEND_PROFILE: profile })
      assert.match(message, /^SEALGATE_BACKEND_PROFILE asks for a profile whose keys/)
    }
    const nowhere = { SEALGATE_BACKEND_CREDENTIALS_FILE: join(directory, 'none') }
    assert.match(messageOf(nowhere), /SEALGATE_BACKEND_CREDENTIALS_FILE.*cannot be read/)
    assert.match(messageOf({ ...profiles, ...own }), /are both set/)
    assert.match(messageOf({ SEALGATE_BACKEND_ACCESS_KEY: 'k' }), /SECRET_KEY must be set/)
    const token = { SEALGATE_BACKEND_SESSION_TOKEN: 'temporary' }
    assert.match(messageOf(token), /ACCESS_KEY must be set, as SEALGATE_BACKEND_SESSION_TOKEN is$/)
    assert.match(messageOf({ ...profiles, ...token }), /are both set/)
    assert.equal(parse({ ...own, ...token }).credentials, {
      kind: 'static',
      credential: { accessKey: 'k', secretKey: 's', sessionToken: 'temporary' },
    })
    // Of whoever else has AWS's variables.
    assert.equal(parse({ AWS_SESSION_TOKEN: 'temporary' }).credentials, parse({}).credentials)
  }))

test('an endpoint is a URL without a path, AWS where none is named', () => {
  assert.equal(parse({}).endpoint, { secure: true, host: 's3.example.com', port: 443 })
  const named = { SEALGATE_BACKEND_ENDPOINT: 'http://127.0.0.1:9000' }
  const { store } = parseGateway(new Environment({ ...clients, ...named }), {}, undefined)
  assert.equal(store.config.endpoint, { secure: false, host: '127.0.0.1', port: 9000 })
  const { store: aws } = parseGateway(new Environment(clients), {}, undefined)
  assert.equal(aws.config.endpoint, { secure: true, host: 's3.amazonaws.com', port: 443 })
  for (const wrong of ['s3.example.com', 'ftp://a', 'https://a/path', 'https://user@a']) {
    assert.match(messageOf({}, wrong), /endpoint/)
  }
})

test.run()
