import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3'
import { Client as MinioClient } from 'minio'
import { rootSigner } from './front-end.ts'

/** Clients of a front-end under test, with the root user's credentials. Whoever makes one destroys it. */
export function sdkClient(url: string, config: S3ClientConfig = {}): S3Client {
  return new S3Client({
    endpoint: url,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId: rootSigner.accessKey, secretAccessKey: rootSigner.secretKey },
    maxAttempts: 1,
    ...config,
  })
}

export function minioClient(url: string): MinioClient {
  const { hostname, port } = new URL(url)
  return new MinioClient({
    endPoint: hostname,
    port: Number(port),
    useSSL: false,
    accessKey: rootSigner.accessKey,
    secretKey: rootSigner.secretKey,
    region: 'us-east-1',
  })
}

/** Runs `work` with an SDK client, which is destroyed afterwards. */
export async function withSdk<Result>(
  url: string,
  work: (client: S3Client) => Promise<Result>,
  config: S3ClientConfig = {},
): Promise<Result> {
  const client = sdkClient(url, config)
  try {
    return await work(client)
  } finally {
    client.destroy()
  }
}
