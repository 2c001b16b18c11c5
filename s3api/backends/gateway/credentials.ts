import { readFile, stat } from 'node:fs/promises'
import { BackendError } from '../backend.ts'
import type { BackendCredential, BackendCredentials } from './config.ts'

/** How long a profile's file is believed without a look at it. */
const lookAgainMs = 5_000

/** Gives what requests to the store are signed with. Errors: BackendError unavailable. */
export type CredentialSource = () => Promise<BackendCredential>

export function createCredentialSource(credentials: BackendCredentials): CredentialSource {
  if (credentials.kind === 'static') return async () => credentials.credential
  const { file, profile } = credentials
  let known: { readonly credential: BackendCredential; readonly changedAtMs: number } | undefined
  let lookedAt = 0
  return async () => {
    const now = performance.now()
    if (known !== undefined && now - lookedAt < lookAgainMs) return known.credential
    try {
      const { mtimeMs } = await stat(file)
      lookedAt = now
      if (known?.changedAtMs === mtimeMs) return known.credential
      known = { credential: parseProfile(await readFile(file, 'utf8'), profile), changedAtMs: mtimeMs }
      return known.credential
    } catch (error) {
      // A file that is being replaced: what worked so far goes on.
      if (known !== undefined) return known.credential
      const reason = error instanceof Error ? error.message : 'an error'
      throw new BackendError('unavailable', `the store's credentials cannot be read: ${reason}`, {
        cause: error,
      })
    }
  }
}

/** One profile of a shared credentials file (AWS SDKs and tools reference guide, "Shared config and credentials files"). */
export function parseProfile(text: string, profile: string): BackendCredential {
  const values = new Map<string, string>()
  let section = ''
  for (const line of text.split(/\r?\n/)) {
    const heading = /^\s*\[\s*(?:profile\s+)?([^\]]+?)\s*\]\s*$/.exec(line)
    if (heading?.[1] !== undefined) section = heading[1]
    const entry = /^\s*([a-z_]+)\s*=\s*(.*?)\s*$/.exec(line)
    if (section === profile && entry?.[1] !== undefined) values.set(entry[1], entry[2] ?? '')
  }
  const [accessKey, secretKey] = [values.get('aws_access_key_id'), values.get('aws_secret_access_key')]
  const sessionToken = values.get('aws_session_token')
  if (!accessKey || !secretKey) throw new Error(`profile ${profile} has no access key id and secret`)
  return { accessKey, secretKey, ...(sessionToken && { sessionToken }) }
}
