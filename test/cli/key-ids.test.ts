import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { ConfigError } from '../../cli/config-error.ts'
import { Environment } from '../../cli/environment.ts'
import { parseKms } from '../../cli/kms-config.ts'
import { parseKeyId } from '../../control/server/key-requests.ts'
import { parseKmsKeyId } from '../../s3api/sse/headers.ts'

const test = suite('cli/key-ids')

const key = Buffer.alloc(32, 1)
const settings: Readonly<Record<string, (keyId: string) => Readonly<Record<string, string>>>> = {
  MINIO_SSE_MASTER_KEY: (keyId) => ({ MINIO_SSE_MASTER_KEY: `${keyId}:${key.toString('hex')}` }),
  MINIO_KMS_SECRET_KEY: (keyId) => ({ MINIO_KMS_SECRET_KEY: `${keyId}:${key.toString('base64')}` }),
  MINIO_SSE_VAULT_KEY_NAME: (keyId) => ({
    MINIO_SSE_VAULT_ENDPOINT: 'https://vault.example.com:8200',
    MINIO_SSE_VAULT_APPROLE_ID: 'role',
    MINIO_SSE_VAULT_APPROLE_SECRET: 'secret',
    MINIO_SSE_VAULT_KEY_NAME: keyId,
  }),
}

for (const [name, environmentOf] of Object.entries(settings)) {
  for (const keyId of ['my-minio-key', '_minio', '9.key_', 'k'.repeat(128)]) {
    test(`${name} takes ${keyId}, as the service and S3 do`, () => {
      const kms = parseKms(new Environment(environmentOf(keyId)))
      assert.is(kms?.kind === 'vault' ? kms.keyName : kms?.keyId, keyId)
      assert.is(parseKeyId(keyId), keyId)
      assert.is(parseKmsKeyId(keyId), keyId)
    })
  }

  for (const keyId of ['minio/key', 'schlüssel', '.key', '-key', '..', 'my key', 'k'.repeat(129)]) {
    test(`${name} refuses ${keyId}, as the service and S3 do`, () => {
      assert.throws(
        () => parseKms(new Environment(environmentOf(keyId))),
        (error: unknown) => error instanceof ConfigError && error.message.includes(`the key id in ${name}`),
      )
      assert.throws(() => parseKeyId(keyId))
      assert.throws(() => parseKmsKeyId(keyId))
    })
  }
}

test.run()
