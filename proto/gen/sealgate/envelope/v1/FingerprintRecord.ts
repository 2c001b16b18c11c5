// Original file: proto/envelope.proto


/**
 * A value that everyone knows, sealed by a master key, in the store's system area: who cannot open it has another KMS.
 */
export interface FingerprintRecordInput {
  'format'?: (number);
  'keyId'?: (string);
  'sealed'?: (Buffer | Uint8Array | string);
}

/**
 * A value that everyone knows, sealed by a master key, in the store's system area: who cannot open it has another KMS.
 */
export interface FingerprintRecord {
  'format': (number);
  'keyId': (string);
  'sealed': (Buffer);
}
