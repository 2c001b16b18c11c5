import { AggregatorRegistry, type MetricObjectWithValues, type MetricValue } from 'prom-client'

export type Metrics = readonly MetricObjectWithValues<MetricValue<string>>[]

/** What only grows. */
const countingTypes: readonly string[] = ['counter', 'histogram']

/**
 * The metrics of several processes as those of one. What ended processes have counted stays: a sum that fell because one of
 * several ended would be, to who reads it, all of them begun anew, and what is left of it an increase.
 */
export class JoinedMetrics {
  /** What running processes told last, by their pids. */
  readonly #last = new Map<number, Metrics>()
  #ended: Metrics = []

  /** `told`: what those that answered have told, by their pids; `running`: the pids of all that run. In Prometheus' format. */
  join(told: ReadonlyMap<number, Metrics>, running: ReadonlySet<number>): Promise<string> {
    for (const [pid, metrics] of told) if (metrics.length > 0) this.#last.set(pid, metrics)
    for (const [pid, metrics] of this.#last) {
      if (running.has(pid)) continue
      this.#last.delete(pid)
      this.#ended = sum([this.#ended, counted(metrics)])
    }
    const silent = [...this.#last].filter(([pid]) => !told.has(pid)).map(([, metrics]) => counted(metrics))
    const answered = [...this.#last].filter(([pid]) => told.has(pid)).map(([, metrics]) => metrics)
    return AggregatorRegistry.aggregate([...answered, ...silent, this.#ended]).metrics()
  }
}

function counted(metrics: Metrics): Metrics {
  return metrics.filter(({ type }) => countingTypes.includes(String(type)))
}

function sum(all: readonly Metrics[]): Metrics {
  // What is aggregated has its values, though the type does not tell.
  return AggregatorRegistry.aggregate([...all]).getMetricsAsArray() as MetricObjectWithValues<
    MetricValue<string>
  >[]
}
