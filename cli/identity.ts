import { readFileSync } from 'node:fs'
import { identityOfCertificate } from '../control/index.ts'

/** `sealgate identity`: what a policy calls the owner of a certificate. Errors: a file that holds no certificate. */
export function identity(path: string): string {
  const pem = readFileSync(path)
  try {
    return identityOfCertificate(pem)
  } catch (error) {
    throw new Error(`${path} holds no certificate`, { cause: error })
  }
}
