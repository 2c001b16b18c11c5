import type { Logger } from 'pino'

const lookMs = 10_000

/**
 * Writes to the log, once for each certificate, that it has ended: otherwise only those who connect notice. `endsAtMs` is asked now and
 * every ten seconds. Returns how to stop.
 */
export function tellCertificateEnd(
  certFile: string,
  endsAtMs: () => number,
  {
    log,
    now = Date.now,
    intervalMs = lookMs,
  }: {
    readonly log: Pick<Logger, 'error'>
    readonly now?: () => number
    readonly intervalMs?: number
  },
): () => void {
  let told: number | undefined
  const look = () => {
    const atMs = endsAtMs()
    if (atMs === told || now() < atMs) return
    told = atMs
    log.error(
      { certFile, endedAt: new Date(atMs).toISOString() },
      'the certificate has ended: who looks at it does not connect',
    )
  }
  look()
  const timer = setInterval(look, intervalMs).unref()
  return () => clearInterval(timer)
}
