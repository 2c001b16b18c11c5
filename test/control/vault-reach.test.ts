// The way to Vault is broken from the start, and mended while control runs.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createAuthority, createCertificate } from '../support/vault/certificates.ts'
import { fastClock, toConfig, until, withProvider, withVault } from '../support/vault/fixture.ts'

const test = suite('control/vault-reach')

/** Pauses are a tenth of what they are, and a call may take 400 ms. */
const hurried = { clock: fastClock(10), deadlineMs: 400 }

test('a certificate that has ended is named, and its successor makes control ready', async () => {
  const ca = await createAuthority('vault CA')
  const folder = mkdtempSync(join(tmpdir(), 'vault-faults-'))
  writeFileSync(join(folder, 'ca.pem'), ca.cert)
  const tls = await createCertificate(ca, { ended: true })
  try {
    const options = { ...hurried, simulator: { tls }, config: { caPath: folder } }
    await withVault(options, async ({ vault, provider }) => {
      provider.start()
      await until(() => provider.session().loginFailures > 0)
      assert.match(provider.session().lastError, /CERT_HAS_EXPIRED/)
      const checks = await provider.diagnose(AbortSignal.timeout(5_000))
      assert.match(checks.at(-1)?.detail ?? '', /has expired/)
      vault.setCertificate(await createCertificate(ca))
      await until(() => provider.session().ready)
    })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

test('a CA that is added to its directory makes control ready, without a restart', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'vault-faults-'))
  const ca = await createAuthority('vault CA')
  writeFileSync(join(folder, 'other.pem'), (await createAuthority('another CA')).cert)
  const tls = await createCertificate(ca)
  try {
    const options = { ...hurried, simulator: { tls }, config: { caPath: folder } }
    await withVault(options, async ({ provider }) => {
      provider.start()
      await until(() => provider.session().loginFailures > 0)
      const checks = await provider.diagnose(AbortSignal.timeout(5_000))
      assert.match(checks.at(-1)?.remedy ?? '', new RegExp(`cp vault-ca.pem ${folder}/`))
      writeFileSync(join(folder, 'ca.pem'), ca.cert)
      await until(() => provider.session().ready)
    })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

test('a name that does not resolve is told, by the session and by the doctor', async () => {
  const credentials = { keyName: 'my-minio-key', roleId: 'role', secretId: 'secret' }
  const config = toConfig('http://vault.sealgate.invalid:8200', credentials)
  await withProvider(config, { clock: fastClock(10), deadlineMs: 2_000 }, async (provider) => {
    provider.start()
    await until(() => provider.session().loginFailures > 0)
    assert.match(provider.session().lastError, /ENOTFOUND|EAI_AGAIN|in time/)
    assert.is(provider.session().ready, false)
    const [network] = await provider.diagnose(AbortSignal.timeout(8_000))
    assert.match(network?.detail ?? '', /does not resolve/)
  })
})

test.run()
