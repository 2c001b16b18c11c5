import type { AdminHandlers } from '../../proto/gen/sealgate/kms/v1/Admin.ts'
import type { DataKeys } from '../keys/data-keys.ts'
import { parseKeyId } from './key-requests.ts'
import type { MethodParts } from './method.ts'
import { unary } from './unary.ts'

/** The methods of Admin that need no help of the KMS. */
export function createKeyAdmin(
  dependencies: MethodParts & { readonly keys: DataKeys },
): Pick<AdminHandlers, 'DisableKey' | 'EnableKey' | 'FlushCache'> {
  const { keys } = dependencies
  const set = (name: string, disabled: boolean) => {
    const keyId = parseKeyId(name)
    return { keyId, disabled, persistent: keys.setDisabled(keyId, disabled) }
  }
  return {
    DisableKey: unary('DisableKey', dependencies, async ({ keyId }: { keyId: string }) => set(keyId, true)),
    EnableKey: unary('EnableKey', dependencies, async ({ keyId }: { keyId: string }) => set(keyId, false)),
    FlushCache: unary('FlushCache', dependencies, async () => ({ keys: keys.flush() })),
  }
}
