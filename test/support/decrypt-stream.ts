import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type StatusObject, status } from '@grpc/grpc-js'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import {
  connectKeyService,
  type DataKey,
  type EncryptionContext,
  type KeyService,
} from '../../control/client.ts'
import type { ControlAddress, ControlConfig } from '../../control/config.ts'
import { Endpoints } from '../../control/connection/endpoints.ts'
import { type Control, startControl } from '../../control/index.ts'
import type { SealedKey } from '../../control/service.ts'
import type { DecryptStreamResponse } from '../../proto/gen/sealgate/kms/v1/DecryptStreamResponse.ts'
import type { KeysClient } from '../../proto/gen/sealgate/kms/v1/Keys.ts'
import { testMasterKey } from './control.ts'
import { type CountingProvider, countCalls } from './counting-provider.ts'

/** A DecryptStream, as a client has it. */
export interface DecryptStream {
  readonly call: ReturnType<KeysClient['decryptStream']>
  send(id: number, key: SealedKey, more?: { readonly timeoutMs?: number; readonly lease?: boolean }): void
  /** Resolves when what was sent is with the kernel. */
  written(): Promise<void>
  /** Resolves to the next answer in the order in which they came. Rejects when the stream ends without one. */
  answer(): Promise<DecryptStreamResponse>
  /** With what the stream has ended. */
  readonly ended: Promise<Pick<StatusObject, 'code' | 'details'>>
}

/** Opens one to a control service, and closes it. */
export async function withDecryptStream(
  address: ControlAddress,
  use: (stream: DecryptStream) => Promise<void>,
): Promise<void> {
  const endpoints = new Endpoints([address])
  const call = endpoints.pick(new Set()).client.decryptStream()
  const ended = new Promise<StatusObject>((resolve) => call.on('status', resolve))
  const answers: DecryptStreamResponse[] = []
  let came = () => {}
  let over = false
  let written = Promise.resolve()
  call.on('data', (answer: DecryptStreamResponse) => {
    answers.push(answer)
    came()
  })
  // `status` tells the same.
  call.on('error', () => {})
  void ended.then(() => {
    over = true
    came()
  })
  try {
    await use({
      call,
      ended,
      send(id, { keyId, sealed, context }, { timeoutMs = 0, lease = false } = {}) {
        const request = { keyId, sealed: Buffer.from(sealed), context, lease }
        written = new Promise((resolve) => call.write({ id, request, timeoutMs }, () => resolve()))
      },
      written: () => written,
      async answer() {
        for (;;) {
          const next = answers.shift()
          if (next !== undefined) return next
          if (over) throw new Error('the stream has ended')
          await new Promise<void>((resolve) => {
            came = resolve
          })
        }
      },
    })
  } finally {
    call.cancel()
    endpoints.close()
  }
}

/** What an answer says: the key in hex, or the name of the status. */
export function outcomeOf({ response, error }: DecryptStreamResponse): string {
  return response ? response.plaintext.toString('hex') : String(status[error?.code ?? status.OK])
}

export const streamContext: EncryptionContext = { bucket: 'bucket/object' }

/** A control service of this process, a stream to it, and what is behind it. */
export interface StreamedControl {
  readonly stream: DecryptStream
  readonly address: ControlAddress
  readonly control: Control
  readonly registry: Registry
  readonly keys: KeyService
  readonly kms: CountingProvider
  readonly folder: string
  /** A data key with its context. */
  readonly key: DataKey & SealedKey
}

export async function withStreamedControl(
  use: (started: StreamedControl) => Promise<void>,
  config: (folder: string) => Partial<ControlConfig> = () => ({}),
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'sealgate-stream-'))
  const address = { kind: 'unix', path: join(folder, 'control.sock') } as const
  const registry = new Registry()
  const kms = countCalls()
  const control = await startControl(
    { address, provider: testMasterKey, ...config(folder) },
    { log: pino({ enabled: false }), registry, version: '0', provider: kms },
  )
  const keys = connectKeyService(address)
  try {
    const key = { ...(await keys.generateDataKey({ context: streamContext })), context: streamContext }
    await withDecryptStream(address, (stream) =>
      use({ stream, address, control, registry, keys, kms, folder, key }),
    )
  } finally {
    await keys.close()
    await control.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

export const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

/** So many answers, in the order in which they came: id and outcome. */
export async function answers(stream: DecryptStream, count: number): Promise<[number, string][]> {
  const came: [number, string][] = []
  for (let index = 0; index < count; index++) {
    const answer = await stream.answer()
    came.push([answer.id, outcomeOf(answer)])
  }
  return came
}
