import type { ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js'
import { codeOf } from '../errors.ts'
import { FailureLog } from './failure-log.ts'
import type { PeerCall } from './identity.ts'
import { isOfClient, type MethodParts } from './method.ts'
import type { OpenStream, OpenStreams } from './open-streams.ts'
import { type Operation, operationNames } from './operations.ts'
import { toStatus } from './unary.ts'

type StreamCall = PeerCall & OpenStream

/**
 * A service's handlers, with its streams behind the gate and ended by a drain. Unary methods pass the gate in unary.ts,
 * which knows their request.
 */
export function gateStreams(
  definition: ServiceDefinition,
  handlers: object,
  { gate, log, streams }: MethodParts & { readonly streams: OpenStreams },
): UntypedServiceImplementation {
  const gated = Object.entries(handlers).map(([name, handler]) => {
    const method = definition[name]
    if (method === undefined || !(method.requestStream || method.responseStream)) return [name, handler]
    const operation = operationOf(name)
    const failures = new FailureLog(operation, log)
    // grpc-js calls the handler of a stream with the call alone.
    const handle = handler as (call: StreamCall) => void
    return [
      name,
      (call: StreamCall) => {
        try {
          const leave = gate.open(call, operation)
          call.once('close', leave).once('cancelled', leave)
        } catch (error) {
          failures.tell(codeOf(error), error, isOfClient(error) ? gate.shown(call) : {})
          call.emit('error', toStatus(error))
          return
        }
        // Each message that waits for something looks whether its stream ends.
        call.setMaxListeners(0)
        streams.add(call)
        handle(call)
      },
    ]
  })
  return Object.fromEntries(gated)
}

function operationOf(name: string): Operation {
  const operation = operationNames.find((each) => each === name)
  if (operation === undefined) throw new TypeError(`${name} is not in control/server/operations.ts`)
  return operation
}
