import type { KeyServiceStatus } from '../control/index.ts'
import { clockText, durationText, momentText } from './time-text.ts'

/** What one control service says of itself, or why it says nothing. */
export type InstanceStatus =
  | { readonly address: string; readonly status: KeyServiceStatus }
  | { readonly address: string; readonly error: string }

const nameWidth = 12

/** A table for a person who was woken by it: the verdict first, then what it stands on. */
export function statusText(instances: readonly InstanceStatus[], nowMs: number): string {
  return instances.map((instance) => instanceText(instance, nowMs)).join('\n')
}

function instanceText(instance: InstanceStatus, nowMs: number): string {
  if ('error' in instance) {
    return table([
      ['NOT READY', `control does not answer: ${instance.error}`],
      ['Control', instance.address],
    ])
  }
  const { status, address } = instance
  return table([
    status.ready ? ['READY', status.reason] : ['NOT READY', status.reason],
    ['Control', `${address}, version ${status.version}, up ${durationText(nowMs - status.startedAtMs)}`],
    ['KMS', kmsText(status)],
    ...(status.session === 'none' ? [] : sessionRows(status, nowMs)),
    ...cacheRows(status, nowMs),
    ...(status.audit === 'none' ? [] : [['Audit', status.audit] as const]),
  ])
}

function kmsText({ provider, endpoint, defaultKeyId }: KeyServiceStatus): string {
  const place = endpoint === '' ? provider : `${provider} at ${endpoint}`
  return `${place}, default key ${defaultKeyId}`
}

type Row = readonly [name: string, value: string]

function sessionRows(status: KeyServiceStatus, nowMs: number): readonly Row[] {
  const { logins, loginFailures, renewals, renewalFailures } = status
  return [
    ['Session', `${status.session} for ${durationText(nowMs - status.sessionSinceMs)}`],
    ['Token', tokenText(status, nowMs)],
    ['Logins', `${counts(logins, loginFailures)}${lastText(status.lastLoginAtMs, nowMs)}${halted(status)}`],
    ['Renewals', `${counts(renewals, renewalFailures)}${lastText(status.lastRenewalAtMs, nowMs)}`],
    ['Circuit', circuitText(status, nowMs)],
    [
      'Last error',
      status.lastError === '' ? 'none' : `${momentText(status.lastErrorAtMs, nowMs)}: ${status.lastError}`,
    ],
  ]
}

function cacheRows({ cache, disabledKeyIds }: KeyServiceStatus, nowMs: number): readonly Row[] {
  const rows: Row[] = []
  if (disabledKeyIds.length > 0) rows.push(['Disabled', disabledKeyIds.join(', ')])
  if (cache === null) return rows
  const { epochs, openedKeys, hits, misses, offlineSinceMs, watchers } = cache
  rows.push(['Cache', `${epochs} epochs, ${openedKeys} opened keys; ${hits} hits, ${misses} misses`])
  rows.push(['Front-ends', `${watchers} connected`])
  if (offlineSinceMs > 0) {
    const left = durationText(cache.offlineGraceRemainingMs)
    rows.push(['Offline', `since ${momentText(offlineSinceMs, nowMs)}; known keys still open for ${left}`])
  }
  return rows
}

function tokenText(status: KeyServiceStatus, nowMs: number): string {
  const { tokenExpiresAtMs, nextActionAtMs, leaseSeconds, ready } = status
  const next = nextActionAtMs === 0 ? '' : `, next try in ${durationText(nextActionAtMs - nowMs)}`
  if (tokenExpiresAtMs === 0) return ready && leaseSeconds === 0 ? 'without an end' : `none${next}`
  const left = durationText(tokenExpiresAtMs - nowMs)
  const action = nextActionAtMs === 0 ? '' : `, renewed in ${durationText(nextActionAtMs - nowMs)}`
  return `${left} left of ${durationText(leaseSeconds * 1000)}${action}`
}

function halted({ loginsHalted }: KeyServiceStatus): string {
  return loginsHalted ? '; HALTED until the secret id is replaced' : ''
}

function circuitText({ circuit, circuitSinceMs, circuitRetryAtMs }: KeyServiceStatus, nowMs: number): string {
  if (circuit === 'closed') return 'closed'
  const retry =
    circuitRetryAtMs === 0 ? 'being tried now' : `tried again in ${durationText(circuitRetryAtMs - nowMs)}`
  return `${circuit} since ${clockText(circuitSinceMs)}, ${retry}`
}

function lastText(atMs: number, nowMs: number): string {
  return atMs === 0 ? '' : `, last ${momentText(atMs, nowMs)}`
}

function counts(ok: number, failed: number): string {
  return failed === 0 ? `${ok}` : `${ok}, ${failed} failed`
}

function table(rows: readonly Row[]): string {
  return rows
    .map(([name, value]) => `${name.padEnd(nameWidth)}${value}`.trimEnd())
    .join('\n')
    .concat('\n')
}
