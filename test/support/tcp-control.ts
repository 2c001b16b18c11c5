import { pino } from 'pino'
import { Registry } from 'prom-client'
import { connectKeyService, type KeyService } from '../../control/client.ts'
import type { ControlConfig, MutualTlsFiles } from '../../control/config.ts'
import { type Control, startControl } from '../../control/index.ts'
import { testMasterKey } from './control.ts'
import { createMutualTls, type MutualTls, tcpAddress } from './mutual-tls.ts'

/** A control service on TCP, and what its clients need. */
export interface TcpControl {
  readonly tls: MutualTls
  readonly control: Control
  readonly registry: Registry
  readonly identity: string
  readonly files: MutualTlsFiles
  connect(files?: MutualTlsFiles): KeyService
  logged(): string
}

export interface PolicyRule {
  operations?: string[]
  keys?: string[]
  contexts?: Record<string, string>[]
}

/** A policy of one client, whose rules allow everything that they do not narrow. */
export function policyOf(identity: string, ...rules: PolicyRule[]): string {
  return JSON.stringify({
    clients: { tested: [identity] },
    rules: rules.map((rule) => ({ clients: ['tested'], operations: ['*'], keys: ['*'], ...rule })),
  })
}

/** Control on TCP, with a client certificate and the policy that is made for it, in `policy.json`. */
export async function withTcpControl(
  policy: ((identity: string) => string) | undefined,
  use: (started: TcpControl) => Promise<void>,
  config: Partial<ControlConfig> = {},
): Promise<void> {
  const tls = await createMutualTls()
  const clients: KeyService[] = []
  const lines: string[] = []
  const registry = new Registry()
  const server = await tls.issue('server')
  const { files, identity } = await tls.issue('client')
  const control = await startControl(
    {
      address: { kind: 'tcp', host: '127.0.0.1', port: 0, tls: server.files },
      provider: testMasterKey,
      ...(policy !== undefined && { policyFile: tls.write('policy.json', policy(identity)) }),
      ...config,
    },
    {
      log: pino({ level: 'debug' }, { write: (line: string) => void lines.push(line) }),
      registry,
      version: '0',
    },
  )
  try {
    await use({
      tls,
      control,
      registry,
      identity,
      files,
      connect(own = files) {
        const client = connectKeyService(tcpAddress(control.address, own))
        clients.push(client)
        return client
      },
      logged: () => lines.join(''),
    })
  } finally {
    for (const client of clients) await client.close()
    await control.close()
    tls.close()
  }
}
