import { createHmac } from 'node:crypto'
import type { Credential } from '../config.ts'
import { type Scope, signingKey } from './signing-key.ts'

/** Hex signature of a form's policy as it stands in its field (S3 API reference, "Authenticating requests: browser-based uploads using POST"). */
export function signPolicy(credential: Credential, scope: Scope, policy: string): string {
  return createHmac('sha256', signingKey(credential, scope)).update(policy, 'utf8').digest('hex')
}
