import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream, readFileSync, statSync } from 'node:fs'
import { Agent } from 'node:https'
import { createRequire } from 'node:module'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import {
  CopyObjectCommand,
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  PutObjectCommand,
  paginateListObjectsV2,
  S3Client,
} from '@aws-sdk/client-s3'
import type { Driver, Mode, Site } from './driver.ts'

export const sdkJs: Driver = {
  name: '@aws-sdk/client-s3',
  modes: ['plain', 'auto', 'sse-s3', 'sse-kms', 'sse-c'],
  version: async () => packageVersion('@aws-sdk/client-s3'),
  async open(site) {
    const client = new S3Client({
      endpoint: site.url,
      region: site.region,
      forcePathStyle: true,
      credentials: { accessKeyId: site.accessKey, secretAccessKey: site.secretKey },
      requestHandler: { httpsAgent: new Agent({ ca: readFileSync(site.caFile), keepAlive: true }) },
    })
    return {
      createBucket: async (bucket) => void (await client.send(new CreateBucketCommand({ Bucket: bucket }))),
      async put(file, bucket, key, mode) {
        const body = { Body: createReadStream(file), ContentLength: statSync(file).size }
        await client.send(
          new PutObjectCommand({ Bucket: bucket, Key: key, ...body, ...writeOptions(site, mode) }),
        )
      },
      async get(bucket, key, file, mode) {
        const request = { Bucket: bucket, Key: key, ...customerOptions(site, mode) }
        const { Body } = await client.send(new GetObjectCommand(request))
        if (Body instanceof Readable) await pipeline(Body, createWriteStream(file))
        else throw new Error('the SDK gave no stream')
      },
      async copy(bucket, from, to, mode) {
        const { SSECustomerKey, SSECustomerKeyMD5 } = customerOptions(site, mode)
        const source =
          mode === 'sse-c'
            ? {
                CopySourceSSECustomerAlgorithm: 'AES256',
                CopySourceSSECustomerKey: SSECustomerKey,
                CopySourceSSECustomerKeyMD5: SSECustomerKeyMD5,
              }
            : {}
        const CopySource = `${bucket}/${from}`
        await client.send(
          new CopyObjectCommand({
            Bucket: bucket,
            Key: to,
            CopySource,
            ...writeOptions(site, mode),
            ...source,
          }),
        )
      },
      async list(bucket) {
        const sizes = new Map<string, number>()
        for await (const { Contents = [] } of paginateListObjectsV2({ client }, { Bucket: bucket })) {
          for (const { Key = '', Size = -1 } of Contents) sizes.set(Key, Size)
        }
        return sizes
      },
      remove: async (bucket, key) =>
        void (await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }))),
      close: async () => client.destroy(),
    }
  },
}

function writeOptions(site: Site, mode: Mode) {
  if (mode === 'sse-s3') return { ServerSideEncryption: 'AES256' } as const
  if (mode === 'sse-kms') return { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: site.kmsKeyId } as const
  return customerOptions(site, mode)
}

function customerOptions(
  site: Site,
  mode: Mode,
): {
  SSECustomerAlgorithm?: string
  SSECustomerKey?: string
  SSECustomerKeyMD5?: string
} {
  if (mode !== 'sse-c') return {}
  return {
    SSECustomerAlgorithm: 'AES256',
    SSECustomerKey: Buffer.from(site.customerKey).toString('base64'),
    SSECustomerKeyMD5: createHash('md5').update(site.customerKey).digest('base64'),
  }
}

export function packageVersion(name: string): string {
  const require = createRequire(import.meta.url)
  const { version } = JSON.parse(readFileSync(require.resolve(`${name}/package.json`), 'utf8')) as {
    version: string
  }
  return version
}
