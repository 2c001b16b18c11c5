import { createCryptoPool, type VerifyFailure, type VerifyReport, verifyStore } from '../s3api/index.ts'
import { isBucketName } from '../s3api/settings.ts'
import { ConfigError } from './config-error.ts'
import type { Environment } from './environment.ts'
import { messageOf } from './error-text.ts'
import { parseThreads } from './front-end-config.ts'
import { createLog } from './log.ts'
import { parseStore, type StoreChoice, withKeysOrNone } from './named-store.ts'
import { openStore } from './store-config.ts'

export interface VerifyOptions extends StoreChoice {
  readonly bucket?: string
  readonly prefix?: string
  /** `BUCKET/KEY`. */
  readonly after?: string
  readonly mibPerSecond?: string
  readonly json?: boolean
}

const mebibyte = 1024 * 1024
const rateMax = 1_000_000

/**
 * `sealgate verify`: reads every object of a store, and finds out which are not what was stored. `write` gets each line as it is known.
 * Resolves to whether all is well. Errors: ConfigError; those of verifyStore.
 */
export async function verify(
  environment: Environment,
  directory: string | undefined,
  options: VerifyOptions,
  { write, tell }: { write(text: string): void; tell(text: string): void },
): Promise<boolean> {
  const { control, json = false } = options
  const wanted = parseWanted(options)
  const store = parseStore(environment, directory, options)
  const log = createLog('warn', 'verify')
  const stopping = new AbortController()
  const stop = () => stopping.abort(new Error('it was ended'))
  for (const signal of signals) process.once(signal, stop)
  let done: VerifyReport | undefined
  const pool = createCryptoPool({ threads: parseThreads(environment, { processes: 1 }) })
  try {
    const { backend } = await openStore(store, { log })
    try {
      done = await withKeysOrNone(environment, { store, control }, (service) =>
        verifyStore(
          { backend, pool, service },
          {
            ...wanted,
            // What lies plain in a store of others' is theirs to guard.
            plain: store.kind === 'disk' ? 'compared' : 'counted',
            signal: stopping.signal,
            log,
            found: (failure) => write(json ? `${JSON.stringify({ failure })}\n` : failureText(failure)),
            progress(report) {
              done = report
              tell(progressText(report))
            },
          },
        ),
      )
    } finally {
      await backend.close()
    }
  } catch (error) {
    if (done !== undefined) write(json ? toJson(done) : reportText(done))
    throw explained(error, done)
  } finally {
    for (const signal of signals) process.removeListener(signal, stop)
    await pool.close()
  }
  write(json ? toJson(done) : reportText(done))
  return done.failed === 0
}

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** Errors: ConfigError. */
function parseWanted({ bucket, prefix = '', after, mibPerSecond }: VerifyOptions) {
  if (bucket !== undefined && !isBucketName(bucket)) throw new ConfigError('--bucket must be a bucket’s name')
  const rate = mibPerSecond === undefined ? undefined : Number(mibPerSecond)
  if (rate !== undefined && !(rate > 0 && rate <= rateMax))
    throw new ConfigError(`--mib-per-second must be a number above 0, and ${rateMax} at most`)
  const slash = after?.indexOf('/') ?? 0
  if (after !== undefined && slash < 1) throw new ConfigError('--after must be BUCKET/KEY')
  return {
    bucket,
    prefix,
    after: after === undefined ? undefined : { bucket: after.slice(0, slash), key: after.slice(slash + 1) },
    ...(rate !== undefined && { bytesPerSecondMax: rate * mebibyte }),
  }
}

/** With where another run can begin. */
function explained(error: unknown, report: VerifyReport | undefined): unknown {
  if (error instanceof ConfigError) return error
  const { through } = report ?? {}
  const how =
    through === undefined ? '' : `; go on with --after ${quoted(`${through.bucket}/${through.key}`)}`
  return new Error(`not all was read: ${messageOf(error)}${how}`, { cause: error })
}

function failureText({ bucket, key, versionId, code, reason }: VerifyFailure): string {
  const version = versionId === undefined || versionId === 'null' ? '' : ` version ${versionId}`
  return `failed: ${quoted(`${bucket}/${key}`)}${version}: ${code}: ${reason}\n`
}

/** As a shell takes it; keys may hold line ends and what terminals act on. */
function quoted(name: string): string {
  return /^[\w./=@%+,:-]+$/.test(name) ? name : JSON.stringify(name)
}

function reportText(report: VerifyReport): string {
  const rows = [
    ['authentic', report.authentic, 'encrypted: data and metadata'],
    ['equal', report.equal, 'plain, with the digests that they were stored with'],
    ['plain', report.plain, 'plain, with nothing to compare them with'],
    ['SSE-C', report['customer-key'], 'under clients’ keys: not opened'],
    ['gone', report.gone, 'deleted or replaced since they were listed'],
    ['failed', report.failed, report.failed === 0 ? '' : 'see above'],
  ] as const
  const width = Math.max(...rows.map(([, count]) => String(count).length))
  const lines = rows.map(([name, count, what]) =>
    `${name.padEnd(10)} ${String(count).padStart(width)}  ${what}`.trimEnd(),
  )
  return `${lines.join('\n')}\n${(report.bytes / mebibyte).toFixed(1)} MiB read\n`
}

function progressText({ bytes, failed, through, ...counts }: VerifyReport): string {
  const versions = Object.values(counts).reduce((sum, count) => sum + count, failed)
  const at = through === undefined ? '' : `, at ${quoted(`${through.bucket}/${through.key}`)}`
  return `${versions} versions, ${(bytes / mebibyte).toFixed(0)} MiB, ${failed} failed${at}`
}

function toJson({ 'customer-key': customerKey, ...report }: VerifyReport): string {
  return `${JSON.stringify({ report: { ...report, customerKey } })}\n`
}
