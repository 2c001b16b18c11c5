import { randomFillSync } from 'node:crypto'

/** Bytes that are drawn at once: a call of the generator costs as much as a kilobyte of it. */
const poolSize = 1024

const pool = new Uint8Array(poolSize)
let used = poolSize

/** Up to 1,024 bytes of the operating system's generator, by way of OpenSSL's; owned by the caller, and in no other place. */
export function takeRandom(size: number): Uint8Array {
  if (size > poolSize) throw new RangeError(`${size} random bytes are more than ${poolSize}`)
  if (used + size > poolSize) {
    randomFillSync(pool)
    used = 0
  }
  const end = used + size
  const bytes = pool.slice(used, end)
  pool.fill(0, used, end)
  used = end
  return bytes
}
