import { readFileSync } from 'node:fs'
import type { Logger } from 'pino'
import { Gauge, type Registry } from 'prom-client'
import { type Followed, followFiles } from '../../files/followed-files.ts'
import { allowAll, denyAll, type Policy, parsePolicy } from './policy.ts'

/** The policy as it is now. */
export type CurrentPolicy = Followed<Policy>

const pollMs = 1_000

/** Errors: a file that cannot be read, or that is no policy. */
export function readPolicy(path: string): Policy {
  return parsePolicy(readFileSync(path, 'utf8'))
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
  const policy = followFiles([path], (contents) => parsePolicy(Buffer.concat(contents).toString('utf8')), {
    intervalMs,
    changed({ clients, rules }) {
      valid.set(1)
      log.info({ clients, rules }, 'the policy was loaded again')
    },
    refused(error) {
      valid.set(0)
      log.error({ err: error, path }, 'the changed policy cannot be used, the old one stays')
    },
  })
  valid.set(1)
  return policy
}
