import type { Credential, SignatureV2Mode } from '../config.ts'
import { S3Error } from '../errors.ts'
import {
  type Authentication,
  nobody,
  requireMatch,
  skewMaxMs,
  unsupportedMechanism,
} from './authentication.ts'
import { signPolicy } from './policy-signature.ts'
import { matchesV2 } from './signature-v2.ts'
import { sameHex } from './signing-key.ts'
import { parseCredential, parseTime } from './verify.ts'

/** Who signed a form's policy, verified: Signature V4, or V2 where it may be used. */

export interface FormSignatureOptions {
  readonly credentials: ReadonlyMap<string, Credential>
  readonly region: string
  readonly nowMs: number
  readonly signatureV2: SignatureV2Mode
}

/** A V4 signature holds no longer, whatever its policy says. */
const ageMaxMs = 7 * 24 * 3600 * 1000

/** A form without any field of a signature is anonymous. Errors: those of the S3 API for a form that is not rightly signed. */
export function authenticateForm(
  fields: ReadonlyMap<string, string>,
  options: FormSignatureOptions,
): Authentication {
  const v4 = ['x-amz-signature', 'x-amz-credential', 'x-amz-algorithm'].some((name) => fields.has(name))
  const v2 = fields.has('signature') || fields.has('awsaccesskeyid')
  if (!v4 && !v2 && !fields.has('policy')) return { payload: { kind: 'unsigned' } }
  if (fields.has('x-amz-security-token')) throw new S3Error('InvalidToken')
  if (v4) return verifyV4(fields, options)
  if (options.signatureV2 === 'off') throw unsupportedMechanism()
  return verifyV2(fields, options)
}

function verifyV4(
  fields: ReadonlyMap<string, string>,
  { credentials, region, nowMs }: FormSignatureOptions,
): Authentication {
  if (field(fields, 'X-Amz-Algorithm') !== 'AWS4-HMAC-SHA256') {
    throw new S3Error('InvalidArgument', 'X-Amz-Algorithm only supports "AWS4-HMAC-SHA256"')
  }
  const time = field(fields, 'X-Amz-Date')
  const signedAtMs = parseTime(time)
  const code = 'InvalidArgument'
  const { accessKey, scope } = parseCredential(field(fields, 'X-Amz-Credential'), { time, region, code })
  const credential = credentials.get(accessKey)
  const expected = signPolicy(credential ?? nobody, scope, field(fields, 'Policy'))
  const matches = sameHex(field(fields, 'X-Amz-Signature'), expected)
  requireMatch(accessKey, credential, matches)
  if (signedAtMs - nowMs > skewMaxMs) throw new S3Error('AccessDenied', 'Request is not valid yet')
  if (nowMs - signedAtMs > ageMaxMs) throw new S3Error('AccessDenied', 'Request has expired')
  return {
    accessKey,
    payload: { kind: 'unsigned' },
    signature: { type: 'POST', version: 'AWS4-HMAC-SHA256', signedAtMs },
  }
}

function verifyV2(
  fields: ReadonlyMap<string, string>,
  { credentials }: FormSignatureOptions,
): Authentication {
  const accessKey = field(fields, 'AWSAccessKeyId')
  const credential = credentials.get(accessKey)
  const policy = field(fields, 'Policy')
  const matches = matchesV2(field(fields, 'Signature'), (credential ?? nobody).secretKey, policy)
  requireMatch(accessKey, credential, matches)
  return { accessKey, payload: { kind: 'unsigned' }, signature: { type: 'POST', version: 'AWS' } }
}

function field(fields: ReadonlyMap<string, string>, name: string): string {
  const value = fields.get(name.toLowerCase()) ?? ''
  if (value !== '') return value
  throw new S3Error('InvalidArgument', `Bucket POST must contain a field named '${name}'.`, {
    elements: { ArgumentName: name, ArgumentValue: '' },
  })
}
