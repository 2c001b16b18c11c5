import { packageOverhead, payloadSizeMax } from '../../../engine/index.ts'

/** What can be told of a DARE stream (FORMAT.md §2) without its key: the headers of its first two packages. */

export const packageHeadSize = 16
const version1 = 0x10
const version2 = 0x20
const ciphersMax = 1
const finalFlag = 0x80
/** Where the twelve bytes are that all packages of a stream share, but for the flag in the first of them. */
const nonceOffset = 4

/** Whether a file of `size` bytes is a sealed stream, or several; `read` gives its bytes at a place, as many as a head has or are there. */
export async function hasSealedForm(
  size: number,
  read: (position: number) => Promise<Uint8Array>,
): Promise<boolean> {
  const first = await read(0)
  if (!isHead(first)) return false
  const packageSize = payloadSizeOf(first) + packageOverhead
  if (packageSize > size) return false
  if (packageSize === size) return first[0] === version1 || isFinal(first)
  const second = await read(packageSize)
  if (!isHead(second) || second[0] !== first[0]) return false
  // A final package is followed by another part.
  if (first[0] === version1 || isFinal(first)) return true
  return payloadSizeOf(first) === payloadSizeMax && nonceOf(first).equals(nonceOf(second))
}

function isHead(head: Uint8Array): boolean {
  const [version, cipher = 0] = head
  return (
    head.length === packageHeadSize && (version === version1 || version === version2) && cipher <= ciphersMax
  )
}

function payloadSizeOf([, , low = 0, high = 0]: Uint8Array): number {
  return low + high * 256 + 1
}

function isFinal(head: Uint8Array): boolean {
  return ((head[nonceOffset] ?? 0) & finalFlag) !== 0
}

function nonceOf(head: Uint8Array): Buffer {
  const nonce = Buffer.from(head.slice(nonceOffset))
  nonce[0] = (nonce[0] ?? 0) & ~finalFlag
  return nonce
}
