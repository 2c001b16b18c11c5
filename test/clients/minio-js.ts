import { createHash } from 'node:crypto'
import { createWriteStream, readFileSync } from 'node:fs'
import { Agent } from 'node:https'
import { pipeline } from 'node:stream/promises'
import { Client, CopyDestinationOptions, CopySourceOptions } from 'minio'
import type { Driver, Mode, Site } from './driver.ts'
import { packageVersion } from './sdk-js.ts'

/** What it sends in one piece, it hashes in one call, which takes no more in Node 20. */
const wholeSizeMax = 2 * 1024 ** 3 - 1

/** Its own helpers for customer keys insist on TLS; the headers are the same. */
export const minioJs: Driver = {
  name: 'minio-js',
  modes: ['plain', 'auto', 'sse-s3', 'sse-kms', 'sse-c'],
  version: async () => packageVersion('minio'),
  async open(site) {
    const { hostname, port, protocol } = new URL(site.url)
    const useSSL = protocol === 'https:'
    const options = {
      endPoint: hostname,
      port: Number(port),
      useSSL,
      accessKey: site.accessKey,
      secretKey: site.secretKey,
      region: site.region,
      ...(useSSL && { transportAgent: new Agent({ ca: readFileSync(site.caFile) }) }),
    }
    const client = new Client(options)
    // It sends the parts of an upload without the customer key: everything goes in one piece.
    const wholeClient = new Client({ ...options, partSize: wholeSizeMax })
    return {
      createBucket: (bucket) => client.makeBucket(bucket, site.region),
      async put(file, bucket, key, mode) {
        const sender = mode === 'sse-c' ? wholeClient : client
        await sender.fPutObject(bucket, key, file, writeHeaders(site, mode))
      },
      async get(bucket, key, file, mode) {
        const options = mode === 'sse-c' ? { SSECustomerAlgorithm: 'AES256', ...customerFields(site) } : {}
        // fGetObject looks at the object first, and has no room for a customer key there.
        await pipeline(await client.getObject(bucket, key, options), createWriteStream(file))
      },
      async copy(bucket, from, to, mode) {
        const headers = mode === 'sse-c' ? copyHeaders(site) : {}
        const source = new CopySourceOptions({ Bucket: bucket, Object: from })
        const target = new CopyDestinationOptions({ Bucket: bucket, Object: to })
        // The options have no room for plain headers; these are what its encryption types turn into.
        source.getHeaders = () => ({ 'x-amz-copy-source': `${bucket}/${from}`, ...headers })
        target.getHeaders = () => writeHeaders(site, mode)
        await client.copyObject(source, target)
      },
      async list(bucket) {
        const sizes = new Map<string, number>()
        for await (const item of client.listObjectsV2(bucket, '', true)) sizes.set(item.name, item.size)
        return sizes
      },
      remove: (bucket, key) => client.removeObject(bucket, key),
      async close() {},
    }
  },
}

function writeHeaders(site: Site, mode: Mode): Record<string, string> {
  const sse = 'x-amz-server-side-encryption'
  if (mode === 'sse-s3') return { [sse]: 'AES256' }
  if (mode === 'sse-kms') return { [sse]: 'aws:kms', [`${sse}-aws-kms-key-id`]: site.kmsKeyId }
  return mode === 'sse-c' ? keyHeaders(site, `${sse}-customer-`) : {}
}

function copyHeaders(site: Site): Record<string, string> {
  return keyHeaders(site, 'x-amz-copy-source-server-side-encryption-customer-')
}

function keyHeaders(site: Site, prefix: string): Record<string, string> {
  const { SSECustomerKey, SSECustomerKeyMD5 } = customerFields(site)
  return {
    [`${prefix}algorithm`]: 'AES256',
    [`${prefix}key`]: SSECustomerKey,
    [`${prefix}key-MD5`]: SSECustomerKeyMD5,
  }
}

function customerFields(site: Site) {
  return {
    SSECustomerKey: Buffer.from(site.customerKey).toString('base64'),
    SSECustomerKeyMD5: createHash('md5').update(site.customerKey).digest('base64'),
  }
}
