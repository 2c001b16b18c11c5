import { KmsError } from '../../control/errors.ts'
import { createMasterKeyProvider } from '../../control/providers/master-key.ts'
import type { Provider } from '../../control/providers/provider.ts'
import { testMasterKey } from './control.ts'

/** A provider whose calls are counted, and which can be taken away. */
export interface CountingProvider extends Provider {
  readonly calls: { generateDataKey: number; decrypt: number; encrypt: number }
  /** What every call is answered with instead; undefined ends that. */
  failWith(error: KmsError | undefined): void
  /** Calls wait until `release`. */
  hold(): { release(): void }
}

export const away = new KmsError('unavailable', 'the KMS is away')
export const refused = new KmsError('access-denied', 'the KMS refuses')

/** A real provider, the master-key one unless given, that counts. */
export function countCalls(provider: Provider = createMasterKeyProvider(testMasterKey)): CountingProvider {
  const calls = { generateDataKey: 0, decrypt: 0, encrypt: 0 }
  let failure: KmsError | undefined
  let held = Promise.resolve()
  const counted =
    <Request, Result>(name: keyof typeof calls, method: (request: Request) => Promise<Result>) =>
    async (request: Request) => {
      calls[name]++
      await held
      if (failure !== undefined) throw failure
      return method(request)
    }
  return {
    ...provider,
    calls,
    failWith(error) {
      failure = error
    },
    hold() {
      let release = () => {}
      held = new Promise<void>((resolve) => {
        release = resolve
      })
      return { release: () => release() }
    },
    generateDataKey: counted('generateDataKey', (request) => provider.generateDataKey(request)),
    decrypt: counted('decrypt', (request) => provider.decrypt(request)),
    encrypt: counted('encrypt', (request) => provider.encrypt(request)),
  }
}
