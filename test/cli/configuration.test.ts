import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { ConfigError } from '../../cli/config-error.ts'
import { parseControlProcess } from '../../cli/control-config.ts'
import { Environment } from '../../cli/environment.ts'
import { parseGateway } from '../../cli/gateway.ts'
import { parseServer } from '../../cli/server.ts'
import { type Setting, variables } from '../../cli/variables.ts'
import { createMutualTls } from '../support/mutual-tls.ts'
import { runProgram } from '../support/program.ts'

const test = suite('cli/configuration')

type Variables = Readonly<Record<string, string>>

/** Stands in every wrong value: no message may show it. */
const secret = 'S3cr3tValue'
const hex = '5a'.repeat(32)
const credentials = { SEALGATE_ACCESS_KEY: 'access', SEALGATE_SECRET_KEY: 'secret-key' }
const masterKey = { MINIO_SSE_MASTER_KEY: `my-key:${hex}` }
const minioSecretKey = { MINIO_KMS_SECRET_KEY: `my-key:${Buffer.from(hex, 'hex').toString('base64')}` }
const vault = {
  MINIO_SSE_VAULT_ENDPOINT: 'http://127.0.0.1:8200',
  MINIO_SSE_VAULT_AUTH_TYPE: 'approle',
  MINIO_SSE_VAULT_APPROLE_ID: 'role',
  MINIO_SSE_VAULT_APPROLE_SECRET: 'secret-id',
  MINIO_SSE_VAULT_KEY_NAME: 'my-key',
}
const tcp = { SEALGATE_CONTROL: '127.0.0.1:1' }
const without = (all: Variables, name: string) =>
  Object.fromEntries(Object.entries(all).filter(([each]) => each !== name))

type Parse = (env: Variables) => unknown
const server: Parse = (env) => parseServer(new Environment({ ...credentials, ...env }), {}, '/data')
const gateway: Parse = (env) => parseGateway(new Environment({ ...credentials, ...env }), {}, undefined)
const bare: Parse = (env) => parseServer(new Environment(env), {}, '/data')
const control: Parse = (env) =>
  parseControlProcess(new Environment(env), { address: 'unix:/run/control.sock' })
const controlTcp: Parse = (env) => parseControlProcess(new Environment(env), { address: '127.0.0.1:1' })

function messageOf(parse: Parse, env: Variables): string {
  try {
    parse(env)
  } catch (error) {
    if (error instanceof ConfigError) return error.message
    throw error
  }
  return ''
}

/** What starts, so that each of the mistakes below is the only one. */
for (const [title, parse, env] of [
  ['no KMS', server, {}],
  ['a master key', server, masterKey],
  ['a secret key of MinIO’s', server, minioSecretKey],
  ['a Vault', server, vault],
  ['a Vault by the later names', server, rename(vault, 'MINIO_KMS_')],
  ['a Vault by our names', server, rename(vault, 'SEALGATE_KMS_')],
  [
    'a Vault whose authentication is named in capitals',
    server,
    { ...vault, MINIO_SSE_VAULT_AUTH_TYPE: 'AppRole' },
  ],
  ['a Vault without the kind of authentication', server, without(vault, 'MINIO_SSE_VAULT_AUTH_TYPE')],
  [
    'the names of the seed',
    bare,
    { MINIO_ACCESS_KEY: 'access', MINIO_SECRET_KEY: 'secret-key', ...masterKey },
  ],
  ['the later names', bare, { MINIO_ROOT_USER: 'access', MINIO_ROOT_PASSWORD: 'secret-key', ...masterKey }],
  ['automatic encryption', server, { ...masterKey, MINIO_SSE_AUTO_ENCRYPTION: 'on' }],
  ['empty variables', server, { ...masterKey, MINIO_SSE_VAULT_ENDPOINT: '', SEALGATE_NONSENSE: '' }],
  [
    'a name of ours beside another that disagrees',
    server,
    { ...masterKey, SEALGATE_REGION: 'a', MINIO_REGION: 'b' },
  ],
  ['control', control, masterKey],
  [
    'old keys in both spellings, beside a Vault',
    server,
    { ...vault, SEALGATE_KMS_OLD_KEYS: `my-key:${hex}\n other:${Buffer.alloc(32, 7).toString('base64')}\n` },
  ],
] as const satisfies readonly (readonly [string, Parse, Variables])[]) {
  test(`${title} is a configuration`, () => {
    assert.is(messageOf(parse, env), '')
  })
}

function rename(all: Variables, prefix: string): Variables {
  return Object.fromEntries(
    Object.entries(all).map(([name, value]) => [name.replace('MINIO_SSE_', prefix), value]),
  )
}

/** The mistakes: what of, with what variables, and which of them the sentence must name. */
const mistakes: readonly (readonly [title: string, parse: Parse, env: Variables, named: string])[] = [
  ['no access key', bare, { SEALGATE_SECRET_KEY: 'secret-key' }, 'SEALGATE_ACCESS_KEY'],
  ['no secret key', bare, { SEALGATE_ACCESS_KEY: 'access' }, 'SEALGATE_SECRET_KEY'],
  ['a short access key', server, { SEALGATE_ACCESS_KEY: 'ab' }, 'SEALGATE_ACCESS_KEY'],
  ['a short secret key', server, { SEALGATE_SECRET_KEY: '1234567' }, 'SEALGATE_SECRET_KEY'],
  ['an unknown name of ours', server, { SEALGATE_NONSENSE: secret }, 'SEALGATE_NONSENSE'],
  ['an unknown name of the seed’s', server, { MINIO_SSE_NONSENSE: secret }, 'MINIO_SSE_NONSENSE'],
  ['an unknown later name', server, { MINIO_KMS_NONSENSE: secret }, 'MINIO_KMS_NONSENSE'],
  ['a KES', server, { MINIO_KMS_KES_ENDPOINT: secret }, 'MINIO_KMS_KES_ENDPOINT'],
  [
    'a secret key of MinIO’s without its id',
    server,
    { MINIO_KMS_SECRET_KEY: secret },
    'MINIO_KMS_SECRET_KEY',
  ],
  [
    'a short secret key of MinIO’s',
    server,
    { MINIO_KMS_SECRET_KEY: `my-key:${Buffer.alloc(31).toString('base64')}` },
    'MINIO_KMS_SECRET_KEY',
  ],
  [
    'a secret key of MinIO’s whose base64 is not canonical',
    server,
    { MINIO_KMS_SECRET_KEY: `my-key:${'A'.repeat(42)}B=` },
    'MINIO_KMS_SECRET_KEY',
  ],
  ['two master keys', server, { ...masterKey, ...minioSecretKey }, 'MINIO_KMS_SECRET_KEY'],
  ['a secret key of MinIO’s and a Vault', server, { ...vault, ...minioSecretKey }, 'MINIO_KMS_SECRET_KEY'],
  ['a KMS server of MinIO', server, { MINIO_KMS_SERVER: secret }, 'MINIO_KMS_SERVER'],
  [
    'a mistake in the second of the old keys',
    server,
    { ...masterKey, SEALGATE_KMS_OLD_KEYS: `my-key:${hex} other:${secret}` },
    'SEALGATE_KMS_OLD_KEYS: key 2',
  ],
  ['no old key', server, { ...masterKey, SEALGATE_KMS_OLD_KEYS: ' \n' }, 'SEALGATE_KMS_OLD_KEYS'],
  [
    'an old key whose id is none',
    server,
    { ...masterKey, SEALGATE_KMS_OLD_KEYS: `${'i'.repeat(300)}:${hex}` },
    'SEALGATE_KMS_OLD_KEYS',
  ],
  [
    'more old keys than are taken',
    server,
    { ...masterKey, SEALGATE_KMS_OLD_KEYS: `my-key:${hex} `.repeat(1_001) },
    'SEALGATE_KMS_OLD_KEYS',
  ],
  ['old keys without a KMS', server, { SEALGATE_KMS_OLD_KEYS: `my-key:${hex}` }, 'SEALGATE_KMS_OLD_KEYS'],
  ['two KMSs', server, { ...vault, ...masterKey }, 'MINIO_SSE_MASTER_KEY'],
  ['a master key without its id', server, { MINIO_SSE_MASTER_KEY: hex }, 'MINIO_SSE_MASTER_KEY'],
  ['a short master key', server, { MINIO_SSE_MASTER_KEY: `my-key:${hex.slice(2)}` }, 'MINIO_SSE_MASTER_KEY'],
  ['a long master key', server, { MINIO_SSE_MASTER_KEY: `my-key:${hex}00` }, 'MINIO_SSE_MASTER_KEY'],
  ['a master key not in hex', server, { MINIO_SSE_MASTER_KEY: `my-key:${secret}` }, 'MINIO_SSE_MASTER_KEY'],
  [
    'automatic encryption without a KMS',
    server,
    { MINIO_SSE_AUTO_ENCRYPTION: 'on' },
    'MINIO_SSE_AUTO_ENCRYPTION',
  ],
  [
    'automatic encryption, perhaps',
    server,
    { ...masterKey, MINIO_SSE_AUTO_ENCRYPTION: secret },
    'AUTO_ENCRYPTION',
  ],
  ['encryption of a gateway', server, { ...masterKey, MINIO_GATEWAY_SSE: 's3' }, 'MINIO_GATEWAY_SSE'],
  ...['ENDPOINT', 'APPROLE_ID', 'APPROLE_SECRET', 'KEY_NAME'].map(
    (name) => [`a Vault without ${name}`, server, without(vault, `MINIO_SSE_VAULT_${name}`), name] as const,
  ),
  ['only a CA path', server, { MINIO_SSE_VAULT_CAPATH: '/' }, 'ENDPOINT'],
  ['only a namespace', server, { MINIO_SSE_VAULT_NAMESPACE: secret }, 'ENDPOINT'],
  [
    'other authentication',
    server,
    { ...vault, MINIO_SSE_VAULT_AUTH_TYPE: secret },
    'MINIO_SSE_VAULT_AUTH_TYPE',
  ],
  ['no URL', server, { ...vault, MINIO_SSE_VAULT_ENDPOINT: secret }, 'MINIO_SSE_VAULT_ENDPOINT'],
  ['a URL with a path', server, { ...vault, MINIO_SSE_VAULT_ENDPOINT: `http://a/${secret}` }, 'ENDPOINT'],
  [
    'a URL with credentials',
    server,
    { ...vault, MINIO_SSE_VAULT_ENDPOINT: `http://a:${secret}@b` },
    'ENDPOINT',
  ],
  [
    'a version below 0',
    server,
    { ...vault, MINIO_SSE_VAULT_KEY_VERSION: '-1' },
    'MINIO_SSE_VAULT_KEY_VERSION',
  ],
  ['no version', server, { ...vault, MINIO_SSE_VAULT_KEY_VERSION: secret }, 'MINIO_SSE_VAULT_KEY_VERSION'],
  ['a key name with a slash', server, { ...vault, MINIO_SSE_VAULT_KEY_NAME: `a/${secret}` }, 'KEY_NAME'],
  [
    'a CA path that is a file',
    server,
    { ...vault, MINIO_SSE_VAULT_CAPATH: '/dev/null' },
    'MINIO_SSE_VAULT_CAPATH',
  ],
  [
    'two names that disagree',
    server,
    { ...vault, MINIO_KMS_VAULT_ENDPOINT: `http://${secret}:8200` },
    'MINIO_KMS_VAULT_ENDPOINT',
  ],
  [
    'a client certificate alone',
    server,
    { ...vault, SEALGATE_KMS_VAULT_CLIENT_CERT_FILE: '/dev/null' },
    'CLIENT_KEY',
  ],
  [
    'a control service beside a KMS',
    server,
    { ...masterKey, SEALGATE_CONTROL: 'unix:/a' },
    'SEALGATE_CONTROL',
  ],
  ['control over TCP without certificates', server, tcp, 'SEALGATE_CONTROL_CERT_FILE'],
  ['a relative socket', server, { SEALGATE_CONTROL: 'unix:a' }, 'SEALGATE_CONTROL'],
  ['a socket with a long path', server, { SEALGATE_CONTROL: `unix:/${'a'.repeat(103)}` }, 'SEALGATE_CONTROL'],
  ['one of two addresses', server, { SEALGATE_CONTROL: `unix:/a,${secret}` }, 'SEALGATE_CONTROL'],
  ['an audit where no control is', server, { SEALGATE_AUDIT_FILE: '/a' }, 'SEALGATE_AUDIT_FILE'],
  ['a policy where no TCP is', server, { ...masterKey, SEALGATE_CONTROL_POLICY_FILE: '/a' }, 'POLICY_FILE'],
  ['half an audit', server, { ...masterKey, SEALGATE_AUDIT_SYNC: 'each' }, 'SEALGATE_AUDIT_SYNC'],
  ['a relative audit', server, { ...masterKey, SEALGATE_AUDIT_FILE: secret }, 'SEALGATE_AUDIT_FILE'],
  ['a certificate without its key', server, { SEALGATE_TLS_CERT_FILE: '/dev/null' }, 'SEALGATE_TLS_KEY_FILE'],
  ['a policy on a Unix socket', control, { ...masterKey, SEALGATE_CONTROL_POLICY_FILE: '/a' }, 'POLICY_FILE'],
  ['control without a KMS', control, {}, 'SEALGATE_KMS_MASTER_KEY'],
  ['control on TCP without certificates', controlTcp, masterKey, 'SEALGATE_CONTROL_CERT_FILE'],
]

for (const [title, parse, env, named] of mistakes) {
  test(`${title}: one sentence names the variable and shows no value`, () => {
    const message = messageOf(parse, env)
    assert.ok(message.includes(named), message)
    assert.not(/\n/.test(message))
    for (const value of [secret, hex, hex.slice(2)]) assert.not(message.includes(value), message)
  })
}

/** Values that a setting cannot have. Free text has none. */
const wrong: Readonly<Record<string, string>> = {
  address: secret,
  adminAddress: '127.0.0.1:99999',
  controlAdminAddress: secret,
  control: secret,
  domain: `-${secret}-`,
  region: `${secret}!`,
  autoEncryption: secret,
  allowSseCOverHttp: secret,
  trustedProxies: '10.0.0.0/33',
  requestsMax: '0',
  requestsSharePercent: '101',
  connectionsMax: '0',
  bytesPerSecondMin: '-1',
  drainSeconds: '1.5',
  threads: '257',
  logLevel: secret,
  tlsCert: '/missing',
  tlsKey: '/missing',
  controlClientCallsMax: '0',
  controlClientRateMax: secret,
  auditFile: secret,
}
const beside: Readonly<Record<string, Variables>> = {
  tlsCert: { SEALGATE_TLS_KEY_FILE: '/dev/null' },
  tlsKey: { SEALGATE_TLS_CERT_FILE: '/dev/null' },
}
for (const [setting, value] of Object.entries(wrong)) {
  // The table's keys are settings.
  const [name] = variables[setting as Setting].names
  test(`${name} refuses what it cannot be, by its name`, () => {
    const message = messageOf(server, { ...masterKey, ...beside[setting], [name]: value })
    assert.ok(message.includes(name), message)
    assert.not(message.includes(secret), message)
  })
}

/** Pairs of certificate and key, with what else must be there. */
const certificates: readonly (readonly [cert: string, key: string, parse: Parse, env: Variables])[] = [
  ['SEALGATE_TLS_CERT_FILE', 'SEALGATE_TLS_KEY_FILE', server, {}],
  ['SEALGATE_KMS_VAULT_CLIENT_CERT_FILE', 'SEALGATE_KMS_VAULT_CLIENT_KEY_FILE', server, vault],
  ['SEALGATE_CONTROL_CERT_FILE', 'SEALGATE_CONTROL_KEY_FILE', server, tcp],
  ['SEALGATE_CONTROL_CERT_FILE', 'SEALGATE_CONTROL_KEY_FILE', controlTcp, masterKey],
]
for (const [cert, key, parse, beside] of certificates) {
  test(`${cert} and ${key} must name a certificate and its key`, async () => {
    const tls = await createMutualTls()
    try {
      const [own, other] = [(await tls.issue('own')).files, (await tls.issue('other')).files]
      const text = tls.write('text', secret)
      const of = (certFile: string, keyFile: string) =>
        messageOf(parse, {
          ...beside,
          ...(cert.includes('CONTROL') && { SEALGATE_CONTROL_CA_FILE: own.caFile }),
          [cert]: certFile,
          [key]: keyFile,
        })
      assert.is(of(own.certFile, own.keyFile), '')
      assert.match(of(text, own.keyFile), new RegExp(`^${cert} names a file that holds no certificate`))
      assert.match(of(own.certFile, text), new RegExp(`^${key} names a file that holds no private key`))
      assert.match(of(own.certFile, other.keyFile), new RegExp(`^${key} names .* of ${cert}$`))
    } finally {
      tls.close()
    }
  })
}

for (const [ca, parse, beside] of [
  ['SEALGATE_CONTROL_CA_FILE', controlTcp, masterKey],
  ['SEALGATE_BACKEND_CA_FILE', gateway, {}],
] as const) {
  test(`${ca} must name certificates`, async () => {
    const tls = await createMutualTls()
    try {
      const { certFile, keyFile, caFile } = (await tls.issue('own')).files
      const own =
        parse === gateway ? {} : { SEALGATE_CONTROL_CERT_FILE: certFile, SEALGATE_CONTROL_KEY_FILE: keyFile }
      const of = (file: string) => messageOf(parse, { ...beside, ...own, [ca]: file })
      assert.is(of(caFile), '')
      assert.is(of(keyFile), `${ca} names a file that holds no certificate (PEM)`)
      assert.is(of('/missing'), `${ca} names a file that cannot be read`)
    } finally {
      tls.close()
    }
  })
}

for (const { names, ...variable } of Object.values(variables)) {
  for (const name of names) {
    if (!('file' in variable)) continue
    test(`${name} can be given as a file, and a file that is missing or empty is a mistake`, () => {
      const directory = mkdtempSync(join(tmpdir(), 'sealgate-config-'))
      try {
        const path = join(directory, 'value')
        const read = () => new Environment({ [`${name}_FILE`]: path }).value(settingOf(name))
        assert.throws(
          read,
          (error: unknown) => error instanceof ConfigError && error.message.includes(`${name}_FILE`),
        )
        writeFileSync(path, '\n')
        assert.throws(read, /empty/)
        writeFileSync(path, `${secret}\r\n`)
        assert.is(read(), secret)
        const both = () => new Environment({ [name]: 'a', [`${name}_FILE`]: path })
        assert.throws(both, /both set/)
      } finally {
        rmSync(directory, { recursive: true })
      }
    })
  }
}

function settingOf(name: string): Setting {
  const found = Object.entries(variables).find(([, { names }]) => names.some((each) => each === name))
  return found?.[0] as Setting
}

test('a mistake ends the program with status 2 and one line', async () => {
  const { status, stdout, stderr } = await runProgram(['server', '/nowhere'], {
    MINIO_SSE_MASTER_KEY: `a:${secret}`,
  })
  assert.is(status, 2)
  assert.is(stdout, '')
  assert.match(stderr, /^sealgate: MINIO_SSE_MASTER_KEY [^\n]*\n$/)
  assert.not(stderr.includes(secret))
})

for (const command of ['', 'quickstart', 'server', 'control', 'identity', 'audit', 'audit verify']) {
  test(`sealgate ${command} has --help`, async () => {
    const { status, stdout } = await runProgram([
      ...command.split(' ').filter((word) => word !== ''),
      '--help',
    ])
    assert.is(status, 0)
    assert.match(stdout, /^Usage: sealgate/)
  })
}

for (const words of [['--version'], ['server', '--version']]) {
  test(`\`sealgate ${words.join(' ')}\` prints a version`, async () => {
    const { status, stdout } = await runProgram(words)
    assert.is(status, 0)
    assert.match(stdout, /^\d+\.\d+\.\d+\n$/)
  })
}

for (const words of [[], ['nonsense'], ['server'], ['server', '--nonsense', 'a']]) {
  test(`\`sealgate ${words.join(' ')}\` is misuse, and says what is possible`, async () => {
    const { status, stdout, stderr } = await runProgram(words)
    assert.is(status, 2)
    assert.is(stdout, '')
    assert.match(stderr, /Usage: sealgate/)
  })
}

test.run()
