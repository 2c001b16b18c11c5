import { AuditDamage, verifyAudit } from '../control/index.ts'
import { ConfigError } from './config-error.ts'

/** `sealgate audit verify`: what to print. Errors: AuditDamage, which says where the chain is broken. */
export async function auditVerify(
  files: readonly string[],
  options: { readonly from?: string },
): Promise<string> {
  if (options.from !== undefined && !/^[1-9]\d{0,14}$/.test(options.from))
    throw new ConfigError('--from must be the number of a line')
  const from = Number(options.from ?? 1)
  try {
    const { end, notes } = await verifyAudit(files, { from })
    const lines = end.sequence < from ? 'no lines' : `lines ${from} to ${end.sequence}`
    return [...notes.map((note) => `note: ${note}`), `unbroken: ${lines}, hash ${end.hash}`, ''].join('\n')
  } catch (error) {
    if (error instanceof AuditDamage)
      throw new Error(`the audit is damaged: ${error.message}`, { cause: error })
    throw error
  }
}
