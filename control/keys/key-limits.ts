/** What bounds the keys that control holds, and those that it hands out under leases. Times in milliseconds. */
export interface KeyLimits {
  /** `bucket`: one data key for all objects of an epoch; `object`: one for each object. */
  readonly reuse: 'bucket' | 'object'
  /** After this a bucket's next object gets the data key of a new epoch. */
  readonly epochAgeMs: number
  /** Objects that all front-ends together seal under one epoch's data key. */
  readonly epochUsesMax: number
  /** Opened keys held at once, and epochs; the one that was used least recently makes room. */
  readonly entriesMax: number
  /** An opened key is asked of the KMS again after this, shortened by up to a tenth at random. */
  readonly ageMs: number
  /** How often an opened key is given out before it is asked of the KMS again. */
  readonly usesMax: number
  /** A key that nobody has asked for is dropped. */
  readonly idleMs: number
  /** How long keys open objects beyond their age while the KMS is away. What opens none seals none. */
  readonly offlineGraceMs: number
  /** Longest that a front-end holds a key without asking control again. */
  readonly leaseAgeMs: number
}

const secondMs = 1_000
const minuteMs = 60 * secondMs

export const defaultKeyLimits: KeyLimits = {
  reuse: 'bucket',
  epochAgeMs: 60 * minuteMs,
  epochUsesMax: 2 ** 20,
  entriesMax: 10_000,
  ageMs: 5 * minuteMs,
  usesMax: 2 ** 20,
  idleMs: 15 * minuteMs,
  offlineGraceMs: 15 * minuteMs,
  leaseAgeMs: 5 * minuteMs,
}

/** NIST SP 800-38D, 8.3: no key seals more with random nonces. A key-encryption key of each object is derived, so this is far off. */
export const usesCeiling = 2 ** 32
