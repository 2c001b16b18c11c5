import type { VaultConfig } from '../../config.ts'
import { contextBytes } from '../../context.ts'
import { KmsError, type KmsErrorCode } from '../../errors.ts'
import { isKeyId } from '../../key-ids.ts'
import type { EncryptionContext } from '../../service.ts'
import { Circuit, type Verdict } from '../../session/circuit.ts'
import { Session, type SessionClient } from '../../session/session.ts'
import { type Clock, systemClock } from '../../session/session-clock.ts'
import type { SessionLog } from '../../session/session-state.ts'
import type { CircuitStatus, Provider, SessionStatus } from '../provider.ts'
import { createVaultClient, type TransitOperation, type VaultClient } from './vault-client.ts'
import { diagnoseVault } from './vault-doctor.ts'
import { VaultError } from './vault-error.ts'
import { type Asked, createVaultKeys } from './vault-keys.ts'

export interface VaultProviderOptions {
  readonly log: SessionLog
  readonly clock?: Clock
  /** Of each call to Vault. */
  readonly deadlineMs?: number
}

const dataKeySize = 32
/** Of a call that only finds out whether Vault is there. */
const probeDeadlineMs = 3_000
/** What 64 KiB become when Vault seals them, in base64, with room to spare. */
const ciphertextSizeMax = 128 * 1024
/** As Vault writes it. What stands before the last colon is its business, but for a version that we asked for. */
const ciphertextPattern = /^vault:v\d+:[A-Za-z0-9+/]+={0,2}$/
/** A call that may not have reached Vault is made once more; those of data keys can be repeated without harm. */
const networkTries = 2

/**
 * Vault's or OpenBao's transit engine, entered by AppRole. It needs what the quickstart's policy grants and no more:
 * update on `datakey/plaintext`, `decrypt` and `encrypt` of its keys. The encryption context is sent with every call;
 * transit heeds it only for keys made with `derived=true`, and ignores it without a word for all others.
 * Errors at creation: not-configured.
 */
export function createVaultProvider(config: VaultConfig, options: VaultProviderOptions): Provider {
  const { log, clock = systemClock, deadlineMs } = options
  const client = createVaultClient(config, deadlineMs === undefined ? {} : { deadlineMs })
  const sessionClient = { ...client, useKey: useKeyOf(client, config.keyName) }
  const session = new Session({ client: sessionClient, secretId: config.secretId, log, clock })
  const probeMs = Math.min(probeDeadlineMs, deadlineMs ?? probeDeadlineMs)
  const probe = () => session.run((token) => client.lookupSelf(token, { deadlineMs: probeMs }))
  const circuit = new Circuit({ clock, log, judge, probe })

  let started = false

  const asked: Asked = (call, signal) => circuit.run(() => again(() => session.run(call, signal), signal))
  // A rotation that was not answered may have been done.
  const askedOnce: Asked = (call, signal) => circuit.run(() => session.run(call, signal))
  const transit = async (operation: TransitOperation, { keyId, context, signal }: Call, fields: object) => {
    if (!isKeyId(keyId)) {
      throw new KmsError('key-not-found', `"${keyId}" is not the name of a transit key`, { byControl: true })
    }
    const body = { ...fields, context: Buffer.from(contextBytes(context)).toString('base64') }
    const request = { operation, keyName: keyId, body }
    try {
      return await asked((token) => client.transit(token, request, { signal }), signal)
    } catch (error) {
      throw toKmsError(error, keyId)
    }
  }
  const version = (keyId: string) =>
    keyId === config.keyName && config.keyVersion > 0 ? { key_version: config.keyVersion } : {}

  return {
    name: 'vault',
    endpoint: config.endpoint,
    defaultKeyId: config.keyName,
    start() {
      started = true
      session.start()
      circuit.start()
    },
    async generateDataKey(call) {
      const asked = version(call.keyId)
      const { ciphertext, plaintext } = await transit('datakey/plaintext', call, asked)
      const sealed = toSealed(ciphertext, asked.key_version)
      return { plaintext: toPlaintext(plaintext, dataKeySize), sealed }
    },
    async decrypt(call) {
      const { plaintext } = await transit('decrypt', call, { ciphertext: toCiphertext(call.sealed) })
      return toPlaintext(plaintext)
    },
    async encrypt(call) {
      const asked = version(call.keyId)
      const { buffer, byteOffset, byteLength } = call.plaintext
      const plaintext = Buffer.from(buffer, byteOffset, byteLength).toString('base64')
      const { ciphertext } = await transit('encrypt', call, { ...asked, plaintext })
      return toSealed(ciphertext, asked.key_version)
    },
    async rewrap(call) {
      const asked = version(call.keyId)
      try {
        const fields = { ...asked, ciphertext: toCiphertext(call.sealed) }
        const { ciphertext } = await transit('rewrap', call, fields)
        return toSealed(ciphertext, asked.key_version)
      } catch (error) {
        // The quickstart's policy does not grant it.
        if (error instanceof KmsError && error.code === 'access-denied') return undefined
        throw error
      }
    },
    session: () => withCircuit(session.status(), circuit.status()),
    circuit: () => circuit.status(),
    keys: createVaultKeys(client, { transitMount: config.transitMount, asked: askedOnce }),
    diagnose: (signal) => diagnoseVault({ config, client, session, started, clock, signal }),
    onSessionChange(listener) {
      session.onReadinessChange(listener)
      circuit.onChange(listener)
    },
    async close() {
      circuit.close()
      await session.close()
      await client.close()
    },
  }
}

/** Decrypts nothing, which a token that may decrypt is refused with 400. */
function useKeyOf(client: VaultClient, keyName: string): SessionClient['useKey'] {
  return (token, options) => client.transit(token, { operation: 'decrypt', keyName, body: {} }, options)
}

/** With a token but without anybody who answers no key can be had. */
function withCircuit(status: SessionStatus, { state, reason }: CircuitStatus): SessionStatus {
  if (state === 'closed' || !status.ready) return status
  return { ...status, ready: false, reason: `calls are held back: ${reason}` }
}

/** A caller that gave up sooner than this tells nothing of Vault. */
const patienceMs = 2_000

function judge(error: unknown, elapsedMs: number): Verdict {
  // Ours, for want of a token.
  if (!(error instanceof VaultError)) return { kind: 'unknown' }
  const { kind, status, refusal, retryAfterMs } = error
  switch (kind) {
    case 'given-up':
      return elapsedMs < patienceMs ? { kind: 'unknown' } : { kind: 'outage', retryAfterMs }
    case 'network':
    case 'timeout':
    case 'redirect':
    case 'invalid-answer':
      return { kind: 'outage', retryAfterMs }
    case 'refused': {
      // Old servers say 500 to a ciphertext that was tampered with: they are well.
      const away = status === 429 || (status >= 500 && refusal !== 'ciphertext')
      return away ? { kind: 'outage', retryAfterMs } : { kind: 'answered' }
    }
  }
}

interface Call {
  readonly keyId: string
  readonly context: EncryptionContext
  readonly signal: AbortSignal
}

async function again<T>(call: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await call()
    } catch (error) {
      const repeatable = error instanceof VaultError && error.kind === 'network' && !signal.aborted
      if (!repeatable || tries === networkTries) throw error
    }
  }
}

function toKmsError(error: unknown, keyId: string): unknown {
  if (!(error instanceof VaultError)) return error
  return new KmsError(codeOf(error), `key "${keyId}": ${error.message}`, { cause: error })
}

/** A tampered ciphertext is 500 from Vaults up to 1.8 or so and 400 from later ones; the text is the same. */
function codeOf({ kind, status, refusal }: VaultError): KmsErrorCode {
  if (kind !== 'refused') return 'unavailable'
  switch (refusal) {
    case 'ciphertext':
      return 'invalid-ciphertext'
    case 'request-too-large':
      return 'too-large'
    case 'key-not-found':
    case 'key-type':
    case 'key-version':
      return 'key-not-found'
    case 'soft-deleted':
    case 'version-too-old':
      return 'access-denied'
    case 'sealed':
    case 'no-active-node':
    case 'source-address':
    case 'wrapping-token':
      return 'unavailable'
    case 'unspecified':
      if (status === 403) return 'access-denied'
      if (status === 404) return 'key-not-found'
      return status === 429 || status >= 500 ? 'unavailable' : 'internal'
  }
}

/** The sealed form is the text that Vault gave, as bytes. What cannot be one is not sent. */
function toCiphertext(sealed: Uint8Array): string {
  const ciphertext = sealed.length > ciphertextSizeMax ? '' : Buffer.from(sealed).toString('latin1')
  if (ciphertextPattern.test(ciphertext)) return ciphertext
  throw new KmsError('invalid-ciphertext', `${sealed.length} bytes that are not a ciphertext of vault`, {
    byControl: true,
  })
}

function toSealed(ciphertext: unknown, keyVersion: number | undefined): Uint8Array {
  if (typeof ciphertext !== 'string' || !ciphertextPattern.test(ciphertext))
    throw misunderstood('no ciphertext')
  if (keyVersion !== undefined && !ciphertext.startsWith(`vault:v${keyVersion}:`)) {
    throw misunderstood(`a ciphertext of another key version than ${keyVersion}`)
  }
  return new TextEncoder().encode(ciphertext)
}

/** Strict base64: what Node would skip over or make up is an error. */
function toPlaintext(text: unknown, size?: number): Uint8Array {
  if (typeof text !== 'string') throw misunderstood('no plaintext')
  const bytes = Buffer.from(text, 'base64')
  if (bytes.toString('base64') !== text) throw misunderstood('a plaintext that is not base64')
  if (size !== undefined && bytes.length !== size)
    throw misunderstood(`${bytes.length} bytes for a key of ${size}`)
  // A copy of its own: small Buffers share their memory with others.
  const plaintext = new Uint8Array(bytes)
  bytes.fill(0)
  return plaintext
}

function misunderstood(what: string): KmsError {
  return new KmsError('internal', `vault answered with ${what}`)
}
