import { rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { HeadObjectCommand } from '@aws-sdk/client-s3'
import { sdkClient } from '../support/clients.ts'
import { isMarked, marker, writeMarked } from './content.ts'
import { command, type Driver, type Mode, type Session } from './driver.ts'
import type { ClientServer } from './server.ts'

/** The place that files of this size take in memory is wanted back early. */
const hugeSize = 1024 ** 3

/** One line of the table. */
export interface Outcome {
  readonly client: string
  readonly version: string
  readonly scheme: string
  readonly mode: Mode
  readonly ms: number
  /** Absent: all went well. */
  readonly failure?: string
}

/** Puts, lists, reads, copies and removes objects of all sizes, and looks for plaintext in the store. */
export async function runDriver(
  driver: Driver,
  server: ClientServer,
  { mode, sizes }: { readonly mode: Mode; readonly sizes: readonly number[] },
): Promise<void> {
  const { site } = server
  const bucket = `${driver.name.replace(/[^a-z0-9]/gi, '').toLowerCase()}-${mode}`
  const session = await driver.open(site)
  try {
    await session.createBucket(bucket)
    for (const size of sizes) await oneSize(server, { session, bucket, mode, size })
    const left = [...(await session.list(bucket)).keys()]
    if (left.length > 0) throw new Error(`the bucket still lists ${left.join(', ')}`)
  } finally {
    await session.close()
  }
}

async function oneSize(
  server: ClientServer,
  {
    session,
    bucket,
    mode,
    size,
  }: { readonly session: Session; readonly bucket: string; readonly mode: Mode; readonly size: number },
): Promise<void> {
  const { site } = server
  const [source, target] = [join(site.directory, 'source'), join(site.directory, 'target')]
  const [key, copy] = [`folder/object-${size}`, `folder/copy ü ${size}`]
  writeMarked(source, size)
  try {
    await session.put(source, bucket, key, mode)
    if (size >= hugeSize) rmSync(source)
    await expectHeaders(server, { bucket, key, mode, size })
    await session.copy(bucket, key, copy, mode)
    const listed = await session.list(bucket)
    for (const name of [key, copy]) {
      if (listed.get(name) !== size) throw new Error(`${name} is listed with ${listed.get(name)} bytes`)
    }
    if (mode !== 'plain') await expectNoPlaintext(server)
    for (const name of [key, copy]) {
      await session.get(bucket, name, target, mode)
      if (!isMarked(target, size)) {
        throw new Error(`${name}: ${statSync(target).size} bytes came back changed`)
      }
      rmSync(target)
      await session.remove(bucket, name)
    }
  } finally {
    for (const file of [source, target]) rmSync(file, { force: true })
  }
}

const shownAs = { auto: 'AES256', 'sse-s3': 'AES256', 'sse-kms': 'aws:kms' } as const

/** What another client sees of the object. */
async function expectHeaders(
  { site, httpUrl }: ClientServer,
  object: { readonly bucket: string; readonly key: string; readonly mode: Mode; readonly size: number },
): Promise<void> {
  const { bucket, key, mode, size } = object
  const client = sdkClient(httpUrl, {
    credentials: { accessKeyId: site.accessKey, secretAccessKey: site.secretKey },
  })
  const customerKey = Buffer.from(site.customerKey).toString('base64')
  const customer = mode === 'sse-c' ? { SSECustomerAlgorithm: 'AES256', SSECustomerKey: customerKey } : {}
  try {
    const seen = await client.send(new HeadObjectCommand({ Bucket: bucket, Key: key, ...customer }))
    const expected = mode === 'plain' || mode === 'sse-c' ? undefined : shownAs[mode]
    if (seen.ServerSideEncryption !== expected) {
      throw new Error(`x-amz-server-side-encryption is ${seen.ServerSideEncryption}`)
    }
    if (mode === 'sse-c' && seen.SSECustomerAlgorithm !== 'AES256') throw new Error('not shown as SSE-C')
    if (seen.ContentLength !== size) throw new Error(`Content-Length is ${seen.ContentLength}, not ${size}`)
  } finally {
    client.destroy()
  }
}

async function expectNoPlaintext({ storeDirectory }: ClientServer): Promise<void> {
  // grep ends with 1 when it finds nothing.
  const found = await command('sh', ['-c', `grep -rlF ${marker} "$0" || true`, storeDirectory])
  if (found !== '') throw new Error(`plaintext stands in ${found}`)
}
