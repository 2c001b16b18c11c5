import { dirname } from 'node:path'
import type { AdminHandlers } from '../../proto/gen/sealgate/kms/v1/Admin.ts'
import type { AuditState } from '../audit/audit.ts'
import type { Check, KeyDescription, Provider } from '../providers/provider.ts'
import { parseKeyId } from './key-requests.ts'
import type { MethodParts } from './method.ts'
import { unary } from './unary.ts'

type Methods = 'ListKeys' | 'DescribeKey' | 'CreateKey' | 'RotateKey' | 'Doctor'

/** What operators ask, over a provider. */
export function createAdminService(
  parts: MethodParts & { readonly provider: Provider; readonly audit: () => AuditState | undefined },
): Pick<AdminHandlers, Methods> {
  const { provider } = parts
  const { keys, defaultKeyId } = provider
  const toMessage = (key: KeyDescription) => ({ ...key, default: key.keyId === defaultKeyId })

  return {
    ListKeys: unary('ListKeys', parts, async (_, { signal }) => ({ keyIds: [...(await keys.list(signal))] })),
    DescribeKey: unary('DescribeKey', parts, async ({ keyId }, { signal }) =>
      toMessage(await keys.describe(parseKeyId(keyId || defaultKeyId), signal)),
    ),
    CreateKey: unary('CreateKey', parts, async ({ keyId, contextBound }, { signal }) =>
      toMessage(await keys.create(parseKeyId(keyId), { contextBound, signal })),
    ),
    RotateKey: unary('RotateKey', parts, async ({ keyId }, { signal }) =>
      toMessage(await keys.rotate(parseKeyId(keyId), signal)),
    ),
    Doctor: unary('Doctor', parts, async (_, { signal }) => ({
      checks: [...(await provider.diagnose(signal)), ...auditChecks(parts.audit())],
    })),
  }
}

function auditChecks(audit: AuditState | undefined): readonly Check[] {
  if (audit === undefined) return []
  const { file, trouble, optional } = audit
  if (trouble === '') return [{ name: 'audit', result: 'ok', detail: `${file} is written`, remedy: '' }]
  const folder = dirname(file)
  return [
    {
      name: 'audit',
      result: optional ? 'warning' : 'failed',
      detail: `${file}: ${trouble}${optional ? '; lines are missing' : ', and no key is used without it'}`,
      remedy: `df -h ${folder}; df -i ${folder}; ls -la ${folder}   # room, inodes, owner; control goes on by itself`,
    },
  ]
}
