// Drives real S3 clients against `sealgate server` and prints what each of them can do. Not part of the tests: it takes
// minutes, and what is not installed is left out.
// `node dist/test/clients/run.js [--huge] [CLIENT …] [MODE …]`; --huge: one object of 5 GiB in place of the usual sizes,
// for which TMPDIR should be on a disk.
import { CreateBucketCommand } from '@aws-sdk/client-s3'
import { sdkClient } from '../support/clients.ts'
import { awsCli } from './aws-cli.ts'
import { boto3 } from './boto3.ts'
import { curl } from './curl.ts'
import type { Driver, Mode, Scenario } from './driver.ts'
import { type Outcome, runDriver } from './matrix.ts'
import { mc } from './mc.ts'
import { minioJs } from './minio-js.ts'
import { rclone } from './rclone.ts'
import { restic } from './restic.ts'
import { s3cmd } from './s3cmd.ts'
import { s3fs } from './s3fs.ts'
import { sdkJs } from './sdk-js.ts'
import { type ClientServer, startClientServer } from './server.ts'

const clients: readonly (Driver | Scenario)[] = [
  sdkJs,
  minioJs,
  awsCli,
  boto3,
  curl,
  mc,
  rclone,
  s3cmd,
  restic,
  s3fs,
]
const MiB = 1024 * 1024
const usualSizes = [0, 1, 65_535, 65_536, 65_537, 5 * MiB, 100 * MiB]
const hugeSizes = [5 * 1024 * MiB]

const words = process.argv.slice(2)
const sizes = words.includes('--huge') ? hugeSizes : usualSizes
const chosen = (name: string, all: readonly string[]) => {
  const named = words.filter((word) => all.includes(word))
  return named.length === 0 || named.includes(name)
}
const modes = ['plain', 'auto', 'sse-s3', 'sse-kms', 'sse-c']
const names = clients.map(({ name }) => name)
const outcomes: Outcome[] = []

for (const scheme of ['http', 'https'] as const) {
  if (!chosen(scheme, ['http', 'https'])) continue
  // What was stored in plaintext may be found in the store for a while: it gets one of its own.
  for (const group of [['plain'], ['auto'], ['sse-s3', 'sse-kms', 'sse-c']]) {
    if (!group.some((mode) => chosen(mode, modes))) continue
    const server = await startClientServer({ scheme, autoEncryption: group.includes('auto') })
    try {
      for (const client of clients.filter(({ name }) => chosen(name, names))) {
        const version = await client.version()
        if (version === undefined) {
          console.log(`${client.name}: not installed`)
          continue
        }
        const due = client.modes.filter((mode) => group.includes(mode) && chosen(mode, modes))
        for (const mode of due) await one(client, version, { server, scheme, mode })
      }
    } finally {
      await server.close()
    }
  }
}
const failures = outcomes.filter(({ failure }) => failure !== undefined)
console.log(`\n${outcomes.length - failures.length} of ${outcomes.length} runs went well`)
process.exitCode = failures.length === 0 ? 0 : 1

async function one(
  client: Driver | Scenario,
  version: string,
  run: { readonly server: ClientServer; readonly scheme: string; readonly mode: Mode },
): Promise<void> {
  const { server, scheme, mode } = run
  const startedAt = performance.now()
  let failure: string | undefined
  try {
    if ('open' in client) await runDriver(client, server, { mode, sizes })
    else {
      await createBucket(server, `${client.name}-${mode}`)
      await client.run(server.site, { mode, sizes })
    }
  } catch (error) {
    failure = error instanceof Error ? error.message : String(error)
  }
  const ms = Math.round(performance.now() - startedAt)
  outcomes.push({ client: client.name, version, scheme, mode, ms, ...(failure !== undefined && { failure }) })
  const shown = failure === undefined ? 'ok' : `FAILED ${failure}`
  console.log(
    `${client.name.padEnd(20)} ${version.padEnd(28)} ${scheme.padEnd(5)} ${mode.padEnd(8)} ${shown} ${ms} ms`,
  )
}

async function createBucket({ site, httpUrl }: ClientServer, bucket: string): Promise<void> {
  const client = sdkClient(httpUrl, {
    credentials: { accessKeyId: site.accessKey, secretAccessKey: site.secretKey },
  })
  try {
    await client.send(new CreateBucketCommand({ Bucket: bucket }))
  } finally {
    client.destroy()
  }
}
