import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ConformanceServer } from './server.ts'

/** Features that Sealgate does not have: what the other tests are about. */
const markers = 'not lifecycle and not cloud_transition and not cloud_restore and not bucket_logging'
const files = ['test_s3.py', 'test_headers.py'].map((name) => join('s3tests', 'functional', name))
/** Where the plugin is that notes each test's markers in the report; it is not compiled. */
const plugins = fileURLToPath(new URL('../../../test/conformance/', import.meta.url))

/** Writes the suite's configuration, runs its tests and resolves to the path of pytest's report. */
export async function runSuite(options: {
  readonly checkout: string
  readonly python: string
  readonly server: ConformanceServer
  /** As pytest's `-k`. */
  readonly expression?: string
}): Promise<string> {
  const { checkout, python, server, expression } = options
  const configuration = join(server.directory, 's3tests.conf')
  writeFileSync(configuration, toConfiguration(server))
  const report = join(server.directory, 'report.xml')
  const parameters = [
    ...['-m', 'pytest', '-q', '--no-header', '--tb=short', '-p', 'no:cacheprovider', '-p', 'markers'],
    ...['-m', markers, `--junitxml=${report}`],
    ...(expression === undefined ? [] : ['-k', expression]),
    ...files,
  ]
  const child = spawn(python, parameters, {
    cwd: checkout,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: {
      PATH: process.env.PATH ?? '',
      HOME: server.directory,
      PYTHONPATH: plugins,
      PYTHONDONTWRITEBYTECODE: '1',
      S3TEST_CONF: configuration,
      // Some of its tests verify certificates, whatever the configuration says.
      ...(server.caFile !== undefined && {
        SSL_CERT_FILE: server.caFile,
        REQUESTS_CA_BUNDLE: server.caFile,
      }),
    },
  })
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject)
    // Failed tests make pytest's status 1; what cannot run at all, more.
    child.once('exit', (code) =>
      code === 0 || code === 1 ? resolve() : reject(new Error(`pytest ended with ${code}`)),
    )
  })
  return report
}

function toConfiguration({ port, caFile, accounts }: ConformanceServer): string {
  const account = ({ name, id, email, accessKey, secretKey }: (typeof accounts)['main']) => ({
    display_name: name,
    user_id: id,
    email,
    access_key: accessKey,
    secret_key: secretKey,
  })
  // The suite reads these sections even when no test of theirs runs.
  const nobody = { display_name: '-', user_id: '-', email: '-', access_key: '-', secret_key: '-' }
  return [
    section('DEFAULT', {
      host: '127.0.0.1',
      port: String(port),
      is_secure: caFile === undefined ? 'False' : 'True',
      ssl_verify: 'False',
    }),
    section('fixtures', { 'bucket prefix': 'sealgate-{random}-' }),
    section('s3 main', {
      ...account(accounts.main),
      api_name: 'us-east-1',
      kms_keyid: 'testkey-1',
      kms_keyid2: 'testkey-2',
    }),
    section('s3 alt', account(accounts.alt)),
    section('s3 tenant', { ...account(accounts.tenant), tenant: 'testx' }),
    ...['iam', 'iam root', 'iam alt root'].map((name) => section(name, nobody)),
  ].join('\n')
}

function section(name: string, entries: Readonly<Record<string, string>>): string {
  const lines = Object.entries(entries).map(([key, value]) => `${key} = ${value}\n`)
  return `[${name}]\n${lines.join('')}`
}
