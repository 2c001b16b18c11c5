import type { AuditState } from '../audit/audit.ts'
import type { SessionStatus } from '../providers/provider.ts'

/** Whether key operations are answered now, as far as is known. */
export interface Readiness {
  readonly ready: boolean
  /** Why not, or in what trouble though it is ready; empty when all is well. */
  readonly reason: string
}

/**
 * Both are needed: the KMS, and an audit that can be written unless it may be missing. A default key that the KMS refuses is
 * told, and no more: other keys work, and so does what needs none.
 */
export function readinessOf(
  session: SessionStatus,
  { audit, keyTrouble }: { readonly audit: AuditState | undefined; readonly keyTrouble: string },
): Readiness {
  const trouble = audit?.trouble ?? ''
  const what = audit?.optional === true ? 'lines are missing' : 'no key is used without it'
  const reasons = [session.reason, keyTrouble, trouble === '' ? '' : `${trouble}, and ${what}`]
  return {
    ready: session.ready && (trouble === '' || audit?.optional === true),
    reason: reasons.filter((reason) => reason !== '').join('; '),
  }
}
