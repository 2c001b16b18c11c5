import { type ServerDuplexStream, status } from '@grpc/grpc-js'
import type { DecryptRequest } from '../../proto/gen/sealgate/kms/v1/DecryptRequest.ts'
import type { DecryptResponse } from '../../proto/gen/sealgate/kms/v1/DecryptResponse.ts'
import type { DecryptStreamRequest } from '../../proto/gen/sealgate/kms/v1/DecryptStreamRequest.ts'
import type { DecryptStreamResponse } from '../../proto/gen/sealgate/kms/v1/DecryptStreamResponse.ts'
import { CallEnd } from './call-end.ts'
import type { PeerCall } from './identity.ts'
import { type Method, toRefusal } from './method.ts'
import type { OpenStreams } from './open-streams.ts'

/**
 * Requests of one stream that are worked on, or whose answers its client has not taken. Further ones are not read, so that they
 * stay within the connection's window.
 */
const placesMax = 128

const nothing: DecryptRequest = { keyId: '', sealed: Buffer.alloc(0), context: {}, lease: false }

type Stream = ServerDuplexStream<DecryptStreamRequest, DecryptStreamResponse>

/** The DecryptStream method: each message is a request of its own, answered when it is done. */
export function createDecryptStream(
  decrypt: Method<DecryptRequest, DecryptResponse>,
  streams: OpenStreams,
): (call: Stream) => void {
  return (call) => {
    const peer = peerOf(call)
    /** Of requests that wait for their answers. */
    const ids = new Set<number>()
    let placesTaken = 0
    let ending = false
    let endCall = () => void call.end()

    streams.add(call, end)
    call.on('data', take).on('end', end)

    function take({ id, request, timeoutMs }: DecryptStreamRequest): void {
      if (ending) return
      if (ids.has(id)) {
        // Whose the next answer is could not be told.
        const details = `the id ${id} waits for its answer already`
        endCall = () => void call.emit('error', { code: status.INVALID_ARGUMENT, details })
        end()
        return
      }
      ids.add(id)
      placesTaken++
      if (placesTaken === placesMax) call.pause()
      const deadline = timeoutMs === 0 ? Number.POSITIVE_INFINITY : Date.now() + timeoutMs
      decrypt(peer, request ?? nothing, new CallEnd(call, deadline)).then(
        (response) => answer({ id, response, result: 'response' }),
        (error: unknown) => answer({ id, error: toError(error), result: 'error' }),
      )
    }

    function answer(response: DecryptStreamResponse): void {
      // The client may use it again as soon as it reads this.
      ids.delete(response.id)
      call.write(response, leavePlace)
    }

    function leavePlace(): void {
      placesTaken--
      if (!ending) call.resume()
      else if (placesTaken === 0) endCall()
    }

    /** Takes no further request, and ends when those that were taken are answered. */
    function end(): void {
      if (ending) return
      ending = true
      call.pause()
      if (placesTaken === 0) endCall()
    }
  }
}

function toError(error: unknown) {
  const { code, message, retryAfterMs = 0 } = toRefusal(error)
  return { code, message, retryAfterMs }
}

/** A connection keeps its certificate, and to ask for it takes longer than to open a key. */
function peerOf(call: PeerCall): PeerCall {
  const [peer, context] = [call.getPeer(), call.getAuthContext()]
  return { getPeer: () => peer, getAuthContext: () => context }
}
