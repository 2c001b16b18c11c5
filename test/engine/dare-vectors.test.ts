import { createHash } from 'node:crypto'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { openBytes, openPackages, sealBytes, sealPackages } from '../../engine/dare.ts'
import { DareError, type DareErrorCode } from '../../engine/errors.ts'
import { createOpenState } from '../../engine/open-state.ts'
import { packageRange, plaintextSizeOf, sealedSizeOf } from '../../engine/sizes.ts'
import { type CipherName, suites } from '../../engine/suites.ts'
import { equalBytes, fromHex, toHex } from '../support/bytes.ts'
import { sealVersion1 } from '../support/dare-v1.ts'
import { readVectors } from '../support/vectors.ts'

interface Vectors {
  readonly key: string
  readonly nonce: string
  readonly version2: {
    readonly packages: readonly string[]
    readonly count: number
    readonly sha256OfHexOfAll: string
  }
  readonly version1: {
    readonly packages: readonly string[]
    readonly streams: readonly {
      readonly cipher: CipherName
      readonly zeros: number
      readonly sha256: string
    }[]
  }
  readonly refused: readonly {
    readonly why: string
    readonly code: DareErrorCode
    readonly sealed: string
  }[]
  readonly streams: readonly {
    readonly cipher: CipherName
    readonly zeros: number
    readonly sealedSize: number
    readonly sha256: string
    readonly headers: readonly string[]
    readonly last?: string
  }[]
  readonly sizes: readonly (readonly [plaintext: number, sealed: number])[]
  readonly noSizes: readonly number[]
  readonly ranges: readonly {
    readonly partSealedSize: number
    readonly partPlaintextSize: number
    readonly offset: number
    readonly size: number
    readonly part: number
    readonly sealedOffset: number
    readonly sealedSize: number
    readonly skip: number
    readonly firstSequence: number
  }[]
}

const test = suite('engine/dare-vectors')
const vectors = readVectors<Vectors>('dare')
const key = fromHex(vectors.key)
const nonce = fromHex(vectors.nonce)
const cipherOf = (index: number) => (index % 2 === 0 ? suites[0].cipher : suites[1].cipher)

function sealOne(index: number): Uint8Array {
  const pieces = sealPackages(new Uint8Array(index + 1), {
    key,
    nonce,
    firstSequence: index,
    final: true,
    cipher: cipherOf(index),
  })
  return Buffer.concat(pieces)
}

test('every package of the golden files is sealed to the same bytes', () => {
  const all = Array.from({ length: vectors.version2.count }, (_, index) => toHex(sealOne(index)))
  for (const [index, hex] of vectors.version2.packages.entries()) assert.is(all[index], hex)
  assert.is(createHash('sha256').update(all.join('')).digest('hex'), vectors.version2.sha256OfHexOfAll)
})

test('every package of the golden files is opened, with its sequence number and with no other', () => {
  for (let index = 0; index < vectors.version2.count; index++) {
    const target = new Uint8Array(index + 1)
    const open = (firstSequence: number) =>
      openPackages(sealOne(index), target, { key, firstSequence, final: true, expected: createOpenState() })
    assert.is(open(index), index + 1)
    equalBytes(target, new Uint8Array(index + 1))
    assert.throws(
      () => open(index + 1),
      (error: unknown) => error instanceof DareError && error.code === 'tag-mismatch',
    )
  }
})

for (const { why, code, sealed } of vectors.refused) {
  test(`refused: ${why}`, () => {
    assert.throws(
      () => openBytes(key, fromHex(sealed)),
      (error: unknown) => error instanceof DareError && error.code === code,
    )
  })
}

for (const { cipher, zeros, sealedSize, sha256, headers, last } of vectors.streams) {
  test(`a stream of ${zeros} zero bytes in ${cipher} is the known one, both ways`, () => {
    const sealed = sealBytes(key, new Uint8Array(zeros), { nonce, cipher })
    assert.is(sealed.length, sealedSize)
    assert.is(createHash('sha256').update(sealed).digest('hex'), sha256)
    for (const [index, header] of headers.entries()) {
      assert.is(toHex(sealed.subarray(index * 65_568, index * 65_568 + 16)), header)
    }
    if (last !== undefined) assert.ok(toHex(sealed).endsWith(last))
    equalBytes(openBytes(key, sealed), new Uint8Array(zeros))
  })
}

test('a package of DARE 1.0 is opened as the first of its stream, and as no other', () => {
  for (const [index, hex] of vectors.version1.packages.entries()) {
    const open = () => openBytes(key, fromHex(hex), { acceptsVersion1: true })
    if (index === 0) equalBytes(open(), new Uint8Array(1))
    else {
      assert.throws(
        open,
        (error: unknown) => error instanceof DareError && error.code === 'sequence-mismatch',
      )
    }
  }
})

for (const { cipher, zeros, sha256 } of vectors.version1.streams) {
  test(`a stream of DARE 1.0, ${zeros} zero bytes in ${cipher}, is opened where one is accepted, and nowhere else`, () => {
    const sealed = sealVersion1(key, new Uint8Array(zeros), { cipher })
    assert.is(createHash('sha256').update(sealed).digest('hex'), sha256)
    equalBytes(openBytes(key, sealed, { acceptsVersion1: true }), new Uint8Array(zeros))
    assert.throws(
      () => openBytes(key, sealed),
      (error: unknown) => error instanceof DareError && error.code === 'unsupported-version',
    )
  })
}

test('sizes are the known ones, both ways', () => {
  for (const [plaintext, sealed] of vectors.sizes) {
    assert.is(sealedSizeOf(plaintext), sealed)
    assert.is(plaintextSizeOf(sealed), plaintext)
  }
})

test('a size that no stream has is refused', () => {
  for (const size of vectors.noSizes) {
    assert.throws(
      () => plaintextSizeOf(size),
      (error: unknown) => error instanceof DareError && error.code === 'invalid-payload-size',
    )
  }
})

test('a range of a multipart object is found in its part', () => {
  for (const range of vectors.ranges) {
    assert.is(sealedSizeOf(range.partPlaintextSize), range.partSealedSize)
    const offset = range.offset - range.part * range.partPlaintextSize
    const found = packageRange({ offset, size: range.size, plaintextSize: range.partPlaintextSize })
    assert.is(found.sealedOffset + range.part * range.partSealedSize, range.sealedOffset)
    assert.is(found.sealedSize, range.sealedSize)
    assert.is(found.skip, range.skip)
    assert.is(found.firstSequence, range.firstSequence)
    assert.is(found.reachesEnd, true)
  }
})

test.run()
