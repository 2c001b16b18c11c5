import { createHash } from 'node:crypto'
import { readSync, writeSync } from 'node:fs'
import { type ByteSource, storedBatchSize } from '../../engine/index.ts'
import type {
  Backend,
  StagedData,
  StagePlan,
  StoredObject,
  StreamRange,
} from '../../s3api/backends/backend.ts'

/** Stored bytes of a backend as tests write and read them, wherever it keeps them. */

/**
 * All stored bytes of ranges of an object, one buffer a range. Where the look-up has brought the object's bytes they must be the
 * same. Errors: those of openData.
 */
export async function readStored(
  backend: Backend,
  object: StoredObject,
  ranges: readonly StreamRange[],
): Promise<Buffer[]> {
  const sources = backend.openData(object, ranges)
  const read: Buffer[] = []
  try {
    for (const range of ranges) {
      const next = await sources.next()
      if (next.done === true) throw new Error('a source is missing')
      const bytes = await bytesOf(next.value, range)
      const brought = object.body?.subarray(range.offset, range.offset + range.size)
      if (brought !== undefined && !bytes.equals(brought)) throw new Error('the look-up brought other bytes')
      read.push(bytes)
    }
  } finally {
    await sources.return()
  }
  return read
}

/** The stored bytes of that range. */
export async function bytesOf(
  source: ByteSource,
  { offset, size }: { readonly offset: number; readonly size: number },
): Promise<Buffer> {
  if (source.kind === 'bytes') return Buffer.from(source.bytes.subarray(offset, offset + size))
  if (source.kind === 'file') {
    const bytes = Buffer.alloc(size)
    return bytes.subarray(0, readSync(source.fd, bytes, 0, size, offset))
  }
  const pieces: Uint8Array[] = []
  for await (const piece of source.pieces) pieces.push(piece)
  return Buffer.concat(pieces)
}

/** Stages the bytes as the engine would. */
export async function stageBytes(
  backend: Backend,
  plan: Omit<StagePlan, 'storedSize'>,
  bytes: Uint8Array,
): Promise<StagedData> {
  const staged = await backend.stage({ ...plan, storedSize: bytes.length })
  const { target } = staged
  if ('fd' in target) {
    writeSync(target.fd, bytes)
    return staged
  }
  const { becomes } = plan
  const { envelope } = becomes.kind === 'object' ? becomes.record : becomes.upload
  const size = storedBatchSize({ encrypted: envelope !== undefined })
  for (let offset = 0; offset < bytes.length; offset += size) {
    const batch = bytes.subarray(offset, offset + size)
    const sha256 = target.hashed ? createHash('sha256').update(batch).digest() : undefined
    await target.write(batch, sha256)
  }
  return staged
}
