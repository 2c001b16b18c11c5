import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AuditDamage, verifyAudit } from '../../control/audit/audit-verify.ts'

/** Files of an audit, and what is wrong with them. */

export const fileSizeMax = 1024 * 1024

export async function inFolder(use: (folder: string, file: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'sealgate-audit-'))
  try {
    await use(folder, join(folder, 'audit.log'))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

export const linesOf = (file: string) =>
  readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
/** As the shell's `audit.log*`. */
export const audits = (folder: string) =>
  readdirSync(folder)
    .filter((name) => name.startsWith('audit.log'))
    .map((name) => join(folder, name))

export async function damageOf(files: readonly string[], options: { from?: number } = {}): Promise<string> {
  try {
    await verifyAudit(files, options)
  } catch (error) {
    if (error instanceof AuditDamage) return error.message
    throw error
  }
  return ''
}
