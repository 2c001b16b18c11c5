// The engine's door: bytes and keys in, bytes out. It knows no key's origin and no S3.

export { inBatches } from './batches.ts'
export { openBytes, sealBytes } from './dare.ts'
export { DareError, type DareErrorCode } from './errors.ts'
export {
  createHasher,
  type Digests,
  type Hasher,
  type HashName,
  hashBytes,
  hashNames,
  loadHashes,
} from './hashes.ts'
export {
  createIv,
  createObjectKey,
  deriveKey,
  isOwnIv,
  objectPath,
  openEtag,
  partKey,
  type SealAlgorithm,
  type SealDomain,
  sealEtag,
  sealObjectKey,
  unsealObjectKey,
} from './keys.ts'
export {
  type CryptoPool,
  type CryptoPoolOptions,
  type CryptoPoolStats,
  createCryptoPool,
} from './pool.ts'
export { takeRandom } from './random.ts'
export {
  packageOverhead,
  packageRange,
  payloadSizeMax,
  plaintextSizeOf,
  sealedSizeOf,
} from './sizes.ts'
export { type ByteSource, storedBatchSize, storedRange, type WriteTarget } from './stored.ts'
export type { PlainBatch, ReadOptions, WriteOptions, WriteResult } from './streams.ts'
