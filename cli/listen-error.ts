import type { HostPort } from './addresses.ts'
import { codeOf } from './error-text.ts'

const reasons: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another process has this port',
  EACCES: 'this port is not for everybody',
  EADDRNOTAVAIL: 'this machine has no such address',
  ENOTFOUND: 'there is no such host',
}

/** An error of listening in words; another error as it is. */
export function explainListening(what: string, { host, port }: HostPort): (error: unknown) => never {
  return (error) => {
    const code = codeOf(error) ?? ''
    const reason = reasons[code]
    if (reason === undefined) throw error
    throw new Error(`${what} cannot listen on ${host}:${port}: ${reason} (${code})`, { cause: error })
  }
}
