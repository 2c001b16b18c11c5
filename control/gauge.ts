import { Gauge, type Registry } from 'prom-client'

/** A metric that is read whenever somebody looks. `aggregator`: what that of several front-ends is. */
export function showGauge(
  registry: Registry,
  name: string,
  help: string,
  read: () => number,
  aggregator: 'sum' | 'min' | 'max' = 'sum',
): void {
  new Gauge({
    name,
    help,
    registers: [registry],
    aggregator,
    collect() {
      this.set(read())
    },
  })
}
