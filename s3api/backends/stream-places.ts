import { sealedSizeOf } from '../../engine/index.ts'
import type { ObjectRecord } from './backend.ts'

/** Stored bytes [start, start + size) of an object's data. */
export interface StreamPlace {
  readonly start: number
  readonly size: number
}

/**
 * Where the streams of an object are whose data lies in one piece of `dataSize` bytes. The last stream has what is left, so that it
 * is found out where that is not what belongs there.
 */
export function streamPlaces(
  { parts, envelope, minio }: Pick<ObjectRecord, 'parts' | 'envelope' | 'minio'>,
  dataSize: number,
): readonly StreamPlace[] {
  if (parts === undefined) return [{ start: 0, size: dataSize }]
  const sealed = envelope !== undefined || minio !== undefined
  let start = 0
  return parts.map((part, index) => {
    const own = sealed ? sealedSizeOf(part.size) : part.size
    const size = index === parts.length - 1 ? Math.max(0, dataSize - start) : own
    const place = { start, size }
    start += own
    return place
  })
}
