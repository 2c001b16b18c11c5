import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** Memory of buffers that nobody needs any more, given back without waiting for a garbage collection. */

type Transfer = (this: ArrayBuffer, newByteLength: number) => ArrayBuffer

const transfer = findTransfer()
/** Less is not worth the call, and may lie among V8's own objects. */
const smallest = 4096

/**
 * Frees the memory under `bytes`, if they are all of their buffer: they, and every other view of it, have no bytes from then on. node:crypto gives every package a fresh buffer of 64 KiB; freed at once, the next package gets the same memory, which
 * is still in the processor's cache (docs/performance.md).
 */
export function free(bytes: Uint8Array): void {
  if (bytes.byteLength < smallest) return
  const { buffer } = bytes
  if (buffer instanceof ArrayBuffer && buffer.byteLength === bytes.byteLength) transfer?.call(buffer, 0)
}

/** ES2024's ArrayBuffer.prototype.transfer, which V8 11.3 (Node 20) only shows to contexts made after it was asked to. */
function findTransfer(): Transfer | undefined {
  setFlagsFromString('--harmony-rab-gsab-transfer')
  const found: unknown = runInNewContext('ArrayBuffer.prototype.transfer')
  // What is called so takes a length and works on the buffers of any context (ECMA-262 §25.1.6.9).
  return typeof found === 'function' ? (found as Transfer) : undefined
}
