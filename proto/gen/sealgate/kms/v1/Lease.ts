// Original file: proto/kms.proto


/**
 * How a key may be held by who was given it. It has to be zeroed when any of the limits is reached, or a Watch says so.
 */
export interface LeaseInput {
  /**
   * Counted from the answer.
   */
  'maxAgeMs'?: (number | string);
  /**
   * Objects sealed or opened with it.
   */
  'maxUses'?: (number | string);
  /**
   * Without use.
   */
  'idleMs'?: (number | string);
  /**
   * How much longer than its age a key may open objects while control cannot be asked. It seals none then.
   */
  'offlineGraceMs'?: (number | string);
}

/**
 * How a key may be held by who was given it. It has to be zeroed when any of the limits is reached, or a Watch says so.
 */
export interface Lease {
  /**
   * Counted from the answer.
   */
  'maxAgeMs': (number);
  /**
   * Objects sealed or opened with it.
   */
  'maxUses': (number);
  /**
   * Without use.
   */
  'idleMs': (number);
  /**
   * How much longer than its age a key may open objects while control cannot be asked. It seals none then.
   */
  'offlineGraceMs': (number);
}
