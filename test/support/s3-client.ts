import { S3Client, type S3ClientConfig, S3ServiceException } from '@aws-sdk/client-s3'
import { rootSigner } from './front-end.ts'
import type { Signer } from './signed-request.ts'

/** AWS's own client with its defaults, for as long as `work` takes. */
export async function withClient<Result>(
  url: string,
  work: (client: S3Client) => Promise<Result>,
  { by = rootSigner, ...options }: { readonly by?: Signer } & Partial<S3ClientConfig> = {},
): Promise<Result> {
  const { accessKey: accessKeyId, secretKey: secretAccessKey } = by
  const client = new S3Client({
    endpoint: url,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId, secretAccessKey },
    maxAttempts: 1,
    ...options,
  })
  try {
    return await work(client)
  } finally {
    client.destroy()
  }
}

/** What the service refused the call with. */
export async function refusal(call: Promise<unknown>): Promise<S3ServiceException> {
  try {
    await call
  } catch (error) {
    if (error instanceof S3ServiceException) return error
    throw error
  }
  throw new Error('nothing was refused')
}
