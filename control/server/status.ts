import type { StatusResponseInput } from '../../proto/gen/sealgate/kms/v1/StatusResponse.ts'
import type { AuditState } from '../audit/audit.ts'
import type { DataKeys } from '../keys/data-keys.ts'
import type { Provider } from '../providers/provider.ts'
import type { ControlMetrics } from './metrics.ts'
import { readinessOf } from './readiness.ts'

/** What Status tells of the service and its session; nothing in it is secret. */
export function statusOf({
  provider,
  keys,
  metrics,
  version,
  startedAtMs,
  audit,
}: {
  readonly provider: Provider
  readonly keys: DataKeys
  readonly metrics: ControlMetrics
  readonly version: string
  readonly startedAtMs: number
  readonly audit: () => AuditState | undefined
}): StatusResponseInput {
  const { state, sinceMs, ...session } = provider.session()
  const auditState = audit()
  const { disabledKeyIds, trouble: keyTrouble, ...cache } = keys.status
  const circuit = provider.circuit?.()
  return {
    provider: provider.name,
    endpoint: provider.endpoint ?? '',
    defaultKeyId: provider.defaultKeyId,
    ...session,
    ...readinessOf(provider.session(), { audit: auditState, keyTrouble }),
    audit: auditState === undefined ? 'none' : auditState.trouble || 'written',
    session: state,
    sessionSinceMs: sinceMs,
    circuit: circuit?.state ?? 'closed',
    circuitSinceMs: circuit?.sinceMs ?? 0,
    circuitRetryAtMs: circuit?.retryAtMs ?? 0,
    startedAtMs,
    version,
    disabledKeyIds: [...disabledKeyIds],
    cache: { ...cache, ...metrics.cacheCounts() },
  }
}
