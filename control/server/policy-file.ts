import { readFileSync } from 'node:fs'
import type { Logger } from 'pino'
import { Gauge, type Registry } from 'prom-client'
import { allowAll, denyAll, type Policy, parsePolicy } from './policy.ts'

/** The policy as it is now. */
export interface CurrentPolicy {
  current(): Policy
  close(): void
}

const pollMs = 1_000

/** Errors: a file that cannot be read, or that is no policy. */
export function readPolicy(path: string): Policy {
  return parsePolicy(readFileSync(path, 'utf8'))
}

/** What stands in the file, or why it cannot be read: two looks that differ are a change. */
function lookAt(path: string): string {
  try {
    return `text ${readFileSync(path, 'utf8')}`
  } catch (error) {
    return `error ${String(error)}`
  }
}

/**
 * The policy of a listener. A Unix socket is for one machine and one user, who may do all. Over TCP it is the file's, followed
 * as it changes: a changed file is taken whole or, when anything is wrong with it, not at all. Without a file nothing is
 * allowed. Errors: those of {@link readPolicy}, for the first reading.
 */
export function openPolicy(
  transport: 'unix' | 'tcp',
  path: string | undefined,
  options: { readonly log: Logger; readonly registry: Registry; readonly intervalMs?: number },
): CurrentPolicy {
  const { log, registry, intervalMs = pollMs } = options
  if (transport === 'unix') return { current: () => allowAll, close() {} }
  if (path === undefined) {
    log.warn('there is no policy: every client is refused')
    return { current: () => denyAll, close() {} }
  }
  const valid = new Gauge({
    name: 'sealgate_kms_policy_valid',
    help: 'Whether the policy file is the policy in force; 0 when it was changed to something that cannot be used',
    registers: [registry],
  })
  let seen = lookAt(path)
  let policy = readPolicy(path)
  valid.set(1)
  const look = () => {
    const now = lookAt(path)
    if (now === seen) return
    seen = now
    try {
      policy = readPolicy(path)
      valid.set(1)
      log.info({ clients: policy.clients, rules: policy.rules }, 'the policy was loaded again')
    } catch (error) {
      valid.set(0)
      log.error({ err: error, path }, 'the changed policy cannot be used, the old one stays')
    }
  }
  const timer = setInterval(look, intervalMs).unref()
  return { current: () => policy, close: () => clearInterval(timer) }
}
