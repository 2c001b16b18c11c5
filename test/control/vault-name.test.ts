// The name of Vault's endpoint vanishes, comes back, and moves to another server.
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Provider } from '../../control/providers/provider.ts'
import { rejectsWith } from '../contracts/provider.ts'
import { type Names, withNames } from '../support/names.ts'
import { fastClock, startReady, toConfig, until, withProvider } from '../support/vault/fixture.ts'
import { startVaultSimulator, type VaultSimulator } from '../support/vault-simulator.ts'

const test = suite('control/vault-name')

const host = 'vault.sealgate.test'
/** Pauses are a tenth of what they are. */
const hurried = { clock: fastClock(10), deadlineMs: 1_000 }
const generate = (provider: Provider) =>
  provider.generateDataKey({
    keyId: 'my-minio-key',
    context: { bucket: 'bucket' },
    signal: AbortSignal.timeout(5_000),
  })
const answers = (provider: Provider) =>
  generate(provider).then(
    () => true,
    () => false,
  )

/** A server of a cluster: it hands on to the one that has the storage, unless it is sealed itself. */
interface Node {
  sealed: boolean
  /** Requests that came while it was sealed. */
  refusals: number
  readonly server: Server
}

async function startNode(vault: VaultSimulator, address: string, port: number): Promise<Node> {
  const serve = (incoming: IncomingMessage, response: ServerResponse) => {
    if (node.sealed) {
      node.refusals++
      incoming.resume()
      response.writeHead(503, { 'Content-Type': 'application/json' }).end('{"errors":["Vault is sealed"]}')
      return
    }
    const { method, url, headers } = incoming
    const onward = request(new URL(url ?? '', vault.endpoint), { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    })
    onward.on('error', () => response.destroy())
    incoming.pipe(onward)
  }
  const node: Node = { sealed: false, refusals: 0, server: createServer(serve) }
  await new Promise<void>((resolve, reject) => {
    node.server.once('error', reject).listen(port, address, resolve)
  })
  return node
}

function end({ server }: Node): Promise<void> {
  server.closeAllConnections()
  return new Promise((resolve) => server.close(() => resolve()))
}

async function withCluster(
  check: (cluster: {
    readonly names: Names
    readonly provider: Provider
    readonly one: Node
    readonly two: Node
  }) => Promise<void>,
): Promise<void> {
  const vault = await startVaultSimulator()
  const one = await startNode(vault, '127.0.0.1', 0)
  const { port } = one.server.address() as AddressInfo
  const two = await startNode(vault, '127.0.0.2', port)
  try {
    const config = toConfig(`http://${host}:${port}`, await vault.setUpSeed())
    await withNames((names) =>
      withProvider(config, hurried, (provider) => check({ names, provider, one, two })),
    )
  } finally {
    await end(one)
    await end(two)
    await vault.close()
  }
}

test('a name that is not known yet is waited for', () =>
  withCluster(async ({ names, provider }) => {
    provider.start()
    await until(() => provider.session().loginFailures >= 2)
    assert.match(provider.session().lastError, /ENOTFOUND/)
    const [network] = await provider.diagnose(AbortSignal.timeout(5_000))
    assert.match(network?.detail ?? '', /does not resolve/)
    names.set(host, '127.0.0.1')
    await until(() => provider.session().ready)
    await generate(provider)
  }))

test('a name that vanishes is an outage, ended by its return, whether or not it leads elsewhere', () =>
  withCluster(async ({ names, provider, one }) => {
    names.set(host, '127.0.0.1')
    await startReady(provider)
    await generate(provider)
    names.remove(host)
    one.server.closeAllConnections()
    await rejectsWith('unavailable', generate(provider))
    for (const address of ['127.0.0.1', '127.0.0.2']) {
      names.set(host, address)
      await until(() => answers(provider))
      names.remove(host)
    }
    assert.is(provider.session().logins, 1)
  }))

test('a sealed server that keeps its connections is left when the name leads to another one', () =>
  withCluster(async ({ names, provider, one }) => {
    names.set(host, '127.0.0.1')
    await startReady(provider)
    await generate(provider)
    one.sealed = true
    await until(async () => !(await answers(provider)) && provider.circuit?.().state !== 'closed')
    names.set(host, '127.0.0.2')
    await until(() => answers(provider))
    const { refusals } = one
    for (let call = 0; call < 10; call++) await generate(provider)
    assert.is(one.refusals, refusals)
    assert.is(provider.session().logins, 1)
  }))

test.run()
