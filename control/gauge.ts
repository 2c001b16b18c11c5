import { Gauge, type Registry } from 'prom-client'

/** A metric that is read whenever somebody looks. */
export function showGauge(registry: Registry, name: string, help: string, read: () => number): void {
  new Gauge({
    name,
    help,
    registers: [registry],
    collect() {
      this.set(read())
    },
  })
}
