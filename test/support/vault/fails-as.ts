import * as assert from 'uvu/assert'
import { VaultError, type VaultErrorKind } from '../../../control/providers/vault/vault-error.ts'

export async function failsAs(kind: VaultErrorKind, promise: Promise<unknown>): Promise<VaultError> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof VaultError)) throw new Error(`a VaultError was expected, not ${error}`)
  assert.is(error.kind, kind)
  return error
}
