// Original file: proto/envelope.proto


/**
 * One epoch of a data key, in the store's system area as `epochs/<id in hex>`.
 */
export interface EpochRecordInput {
  'format'?: (number);
  'keyId'?: (string);
  'sealedDataKey'?: (Buffer | Uint8Array | string);
  /**
   * What the data key is bound to, complete.
   */
  'context'?: ({[key: string]: string});
  /**
   * Milliseconds since 1970.
   */
  'createdAtMs'?: (number | string);
  /**
   * When it was last sealed anew; 0 for never.
   */
  'rewrappedAtMs'?: (number | string);
}

/**
 * One epoch of a data key, in the store's system area as `epochs/<id in hex>`.
 */
export interface EpochRecord {
  'format': (number);
  'keyId': (string);
  'sealedDataKey': (Buffer);
  /**
   * What the data key is bound to, complete.
   */
  'context': ({[key: string]: string});
  /**
   * Milliseconds since 1970.
   */
  'createdAtMs': (number);
  /**
   * When it was last sealed anew; 0 for never.
   */
  'rewrappedAtMs': (number);
}
