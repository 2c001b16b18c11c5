import type { Server, UntypedServiceImplementation } from '@grpc/grpc-js'
import { HealthImplementation } from 'grpc-health-check'
import { keysServiceName } from '../proto.ts'
import type { OpenStream, OpenStreams } from './open-streams.ts'

/**
 * grpc.health.v1. The whole server (the empty name) serves while key operations are answered. The key service by its name serves
 * until the drain: without the KMS it still has keys in its cache, so clients that balance must not turn away from it.
 */
export interface Health {
  ready(ready: boolean): void
  /** Before the drain: clients go elsewhere. */
  drain(): void
}

export function addHealth(server: Server, streams: OpenStreams): Health {
  const health = new HealthImplementation({ '': 'NOT_SERVING', [keysServiceName]: 'SERVING' })
  let draining = false
  health.addToServer({
    addService(service, implementation) {
      // Not typed any closer by the library: it is a server stream.
      const original = implementation.watch as (call: OpenStream) => void
      const watch = (call: OpenStream) => {
        streams.add(call)
        original(call)
      }
      server.addService(service, { ...implementation, watch } as UntypedServiceImplementation)
    },
  })
  return {
    ready(ready) {
      if (!draining) health.setStatus('', ready ? 'SERVING' : 'NOT_SERVING')
    },
    drain() {
      draining = true
      for (const name of ['', keysServiceName]) health.setStatus(name, 'NOT_SERVING')
    },
  }
}
