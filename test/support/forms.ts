import { createHmac } from 'node:crypto'
import type { Signer } from './signed-request.ts'

/** Forms as browsers post them. */

export type Fields = Readonly<Record<string, string>>

export interface PostedForm {
  readonly file?: Uint8Array
  readonly name?: string
  readonly bucket: string
}

export async function postForm(
  url: string,
  fields: Fields,
  { file = Buffer.from('data'), name = 'f.txt', bucket }: PostedForm,
) {
  const form = new FormData()
  for (const [field, value] of Object.entries(fields)) form.append(field, value)
  form.append('file', new Blob([new Uint8Array(file)]), name)
  const response = await fetch(`${url}/${bucket}`, { method: 'POST', body: form, redirect: 'manual' })
  const body = await response.text()
  return { status: response.status, headers: response.headers, body, code: /<Code>([^<]*)</.exec(body)?.[1] }
}

/** The fields with a policy that allows exactly them, and its signature. */
export function signForm(
  fields: Fields,
  {
    signer,
    bucket,
    conditions: more = [],
  }: { readonly signer: Signer; readonly bucket: string; readonly conditions?: readonly unknown[] },
): Fields {
  const time = new Date().toISOString().replace(/[-:]|\.\d{3}/g, '')
  const date = time.slice(0, 8)
  const all = {
    ...fields,
    'x-amz-algorithm': 'AWS4-HMAC-SHA256',
    'x-amz-credential': `${signer.accessKey}/${date}/us-east-1/s3/aws4_request`,
    'x-amz-date': time,
  }
  const conditions = [
    { bucket },
    ...more,
    ...Object.entries(all).map(([name, value]) => ['eq', `$${name}`, value]),
  ]
  const text = JSON.stringify({ expiration: new Date(Date.now() + 60_000).toISOString(), conditions })
  const policy = Buffer.from(text).toString('base64')
  const key = [date, 'us-east-1', 's3', 'aws4_request', policy].reduce<Buffer>(
    (parent, part) => createHmac('sha256', parent).update(part).digest(),
    Buffer.from(`AWS4${signer.secretKey}`),
  )
  return { ...all, policy, 'x-amz-signature': key.toString('hex') }
}
