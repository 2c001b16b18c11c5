import { BackendError, type UploadRecord } from '../backend.ts'
import { unquoted } from './native-headers.ts'
import { partsSizeMax } from './store-limits.ts'
import type { Upstream } from './upstream.ts'
import { asBackend } from './upstream-error.ts'
import { XmlList } from './xml-list.ts'

/** A part of a running upload as the store has it. */
export interface StoresPart {
  readonly etag: string
  /** Base64; of an upload whose parts have checksums. */
  readonly crc32?: string
}

/** By number, of those that are asked for, in order; nothing where the upload has ended. Errors: BackendError unavailable. */
export async function storesParts(
  upstream: Upstream,
  { bucket, key, uploadId }: UploadRecord,
  numbers: readonly number[],
): Promise<ReadonlyMap<number, StoresPart>> {
  const parts = new Map<number, StoresPart>()
  const [first, last] = [numbers[0], numbers.at(-1)]
  if (first === undefined || last === undefined) return parts
  const wanted = new Set(numbers)
  for (let after = first - 1; ; ) {
    const query = { uploadId, ...(after > 0 && { 'part-number-marker': String(after) }) }
    const request = { method: 'GET', bucket, key, query, repeatable: true } as const
    const answer = await asBackend(() => upstream.fetch(request, partsSizeMax), 'no-such-upload').catch(
      (error: unknown) => {
        const ended = error instanceof BackendError && /^no-such-(upload|key)$/.test(error.code)
        if (ended) return undefined
        throw error
      },
    )
    if (answer === undefined) return parts
    const list = new XmlList(answer.bytes, 'ListPartsResult')
    const seen = list.entries('Part')
    for (const part of seen) {
      after = part.number('PartNumber')
      if (!wanted.has(after)) continue
      const crc32 = part.find('ChecksumCRC32')
      parts.set(after, { etag: unquoted(part.text('ETag')), ...(crc32 !== undefined && { crc32 }) })
    }
    if (seen.length === 0 || after >= last || !list.flag('IsTruncated')) return parts
  }
}
