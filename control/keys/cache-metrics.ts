import { Counter, Gauge, type Registry } from 'prom-client'
import type { CacheEvents } from './held-key.ts'

/** The figures of caches of keys, in control and in front-ends, under names that begin with `prefix`. */
export interface CacheMetrics {
  events(kind: string): CacheEvents
  readonly counts: { readonly hits: number; readonly misses: number; readonly staleAnswers: number }
  showEntries(kind: string, read: () => number): void
}

export function createCacheMetrics(registry: Registry, prefix: string): CacheMetrics {
  const registers = [registry]
  const counter = (name: string, help: string, labelNames: string[]) =>
    new Counter({ name: `${prefix}_cache_${name}_total`, help, labelNames, registers })
  const hits = counter('hits', 'Keys that were held and fresh', ['kind'])
  const misses = counter('misses', 'Keys that had to be asked for', ['kind'])
  const stale = counter('stale', 'Keys given out beyond their age, while their source was away', ['kind'])
  const evictions = counter('evictions', 'Keys zeroed, by the limit that was reached', ['kind', 'reason'])
  const sizes = new Map<string, () => number>()
  new Gauge({
    name: `${prefix}_cache_entries`,
    help: 'Keys held in plaintext',
    labelNames: ['kind'],
    registers,
    collect() {
      for (const [kind, read] of sizes) this.set({ kind }, read())
    },
  })
  const counts = { hits: 0, misses: 0, staleAnswers: 0 }
  return {
    counts,
    events: (kind) => ({
      hit() {
        counts.hits++
        hits.inc({ kind })
      },
      miss() {
        counts.misses++
        misses.inc({ kind })
      },
      stale() {
        counts.staleAnswers++
        stale.inc({ kind })
      },
      evicted: (reason) => evictions.inc({ kind, reason }),
    }),
    showEntries: (kind, read) => void sizes.set(kind, read),
  }
}
