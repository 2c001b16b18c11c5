import { createHasher, type Hasher, type HashName, loadHashes } from '../../engine/index.ts'
import { hashOfChecksum } from '../auth/checksums.ts'
import type { Checksum, ObjectRecord } from '../backends/backend.ts'
import { toBase64, toHex } from '../text.ts'

/** What of a plain object tells whether its bytes are still those that were stored: ETags and checksums. No key is in them. */

interface Expected {
  /** Hex, of 16 bytes. */
  readonly md5?: string
  readonly checksum?: Checksum
}

/** The object's bytes, hashed as they come, whole and part by part. */
export class PlainDigests {
  readonly #record: ObjectRecord
  readonly #whole: Expected
  readonly #hasher: Hasher
  readonly #parts: readonly { readonly size: number; readonly checksum?: Checksum }[]
  readonly #md5s: Uint8Array[] = []
  #index = 0
  #part: Hasher | undefined
  #left = 0
  #wrong: string | undefined

  /** Undefined: nothing is known that its bytes could be compared with. */
  static async of(record: ObjectRecord): Promise<PlainDigests | undefined> {
    const { etag, checksum, parts = [] } = record
    const md5 = /^[0-9a-f]{32}$/.test(etag) ? etag : undefined
    const whole = checksum?.type === 'FULL_OBJECT' ? checksum : undefined
    const ofParts = isOfParts(record) || parts.some((part) => part.checksum !== undefined)
    if (md5 === undefined && whole === undefined && !ofParts) return undefined
    await loadHashes()
    return new PlainDigests(record, {
      ...(md5 !== undefined && { md5 }),
      ...(whole !== undefined && { checksum: whole }),
    })
  }

  private constructor(record: ObjectRecord, whole: Expected) {
    this.#record = record
    this.#whole = whole
    this.#hasher = createHasher(namesOf(whole))
    this.#parts = record.parts ?? []
    this.#beginPart()
  }

  update(bytes: Uint8Array): void {
    this.#hasher.update(bytes)
    for (let rest = bytes; this.#part !== undefined && rest.length > 0; ) {
      const piece = rest.subarray(0, this.#left)
      rest = rest.subarray(piece.length)
      this.#part.update(piece)
      this.#left -= piece.length
      if (this.#left === 0) this.#endPart()
    }
  }

  /** When all of it has come: which digest is another, or undefined. */
  mismatch(): string | undefined {
    if (this.#wrong !== undefined) return this.#wrong
    const { etag } = this.#record
    const { md5, checksum } = this.#whole
    const digests = this.#hasher.digests()
    if (md5 !== undefined && toHex(digests.md5 ?? new Uint8Array()) !== md5) return 'its MD5 is not its ETag'
    if (checksum !== undefined && !isOf(checksum, digests)) return `its ${checksum.algorithm} is another`
    if (!isOfParts(this.#record)) return undefined
    const joined = createHasher(['md5'])
    for (const part of this.#md5s) joined.update(part)
    const expected = `${toHex(joined.digests().md5 ?? new Uint8Array())}-${this.#parts.length}`
    return expected === etag ? undefined : 'the MD5s of its parts are not its ETag'
  }

  #beginPart(): void {
    // A part without bytes has nothing to wait for.
    for (;;) {
      const part = this.#parts[this.#index]
      this.#part = part && createHasher(namesOf({ md5: '', ...part }))
      this.#left = part?.size ?? 0
      if (part === undefined || part.size > 0) return
      this.#closePart()
    }
  }

  #endPart(): void {
    this.#closePart()
    this.#beginPart()
  }

  #closePart(): void {
    const part = this.#parts[this.#index]
    const digests = this.#part?.digests() ?? {}
    this.#md5s.push(digests.md5 ?? new Uint8Array())
    if (part?.checksum !== undefined && !isOf(part.checksum, digests)) {
      this.#wrong ??= `the ${part.checksum.algorithm} of its part at ${this.#index + 1} is another`
    }
    this.#index++
  }
}

/** The MD5 of the parts' MD5s, and their number. */
function isOfParts({ etag, parts = [] }: ObjectRecord): boolean {
  return parts.length > 0 && /^[0-9a-f]{32}-\d+$/.test(etag) && etag.endsWith(`-${parts.length}`)
}

function namesOf({ md5, checksum }: Expected): readonly HashName[] {
  const names = new Set<HashName>()
  if (md5 !== undefined) names.add('md5')
  if (checksum !== undefined) names.add(hashOfChecksum[checksum.algorithm])
  return [...names]
}

function isOf({ algorithm, value }: Checksum, digests: ReturnType<Hasher['digests']>): boolean {
  const digest = digests[hashOfChecksum[algorithm]]
  return digest !== undefined && toBase64(digest) === value
}
