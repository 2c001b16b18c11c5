import { writeSync } from 'node:fs'
import { codeOf } from './error-text.ts'

/** Where the lines of the log go, each before anything else is done. */
export interface LogTarget {
  write(line: string): void
}

const busyMs = 10
/** A reader that takes nothing for a second gets no more of a line; once one was lost, none waits until it takes something. */
const busyTriesMax = 100

/**
 * Writes to the file descriptor. A line that cannot be written, to a full disk say, is lost: that is no reason to end. When
 * there is room again, what `lostLine` makes of their number comes first.
 */
export function createLogTarget(
  fd: number,
  lostLine: (lost: number) => string,
  sleep: (ms: number) => void = block,
): LogTarget {
  let lost = 0
  /** Of a line that has been begun. */
  let rest: Uint8Array = new Uint8Array(0)

  /** False: nothing of it was written. */
  function put(line: string): boolean {
    const triesMax = lost > 0 ? 0 : busyTriesMax
    rest = rest.subarray(writeSome(rest, triesMax))
    if (rest.length > 0) return false
    const bytes = Buffer.from(line)
    const written = writeSome(bytes, triesMax)
    if (written > 0) rest = bytes.subarray(written)
    return written > 0
  }

  /** Returns how many bytes could be written. */
  function writeSome(bytes: Uint8Array, triesMax: number): number {
    let written = 0
    for (let tries = 0; written < bytes.length; ) {
      try {
        written += writeSync(fd, bytes, written)
      } catch (error) {
        if (codeOf(error) !== 'EAGAIN' || ++tries > triesMax) return written
        sleep(busyMs)
      }
    }
    return written
  }

  return {
    write(line) {
      if (lost > 0) {
        if (!put(lostLine(lost))) {
          lost++
          return
        }
        lost = 0
      }
      if (!put(line)) lost++
    },
  }
}

/** Keeps the thread. */
function block(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}
