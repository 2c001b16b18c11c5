// Original file: proto/kms.proto


export interface GenerateDataKeyRequestInput {
  /**
   * Master key id; empty means the configured default key.
   */
  'keyId'?: (string);
  /**
   * Encryption context: bound to the data key, needed again to unseal it. Not secret.
   */
  'context'?: ({[key: string]: string});
}

export interface GenerateDataKeyRequest {
  /**
   * Master key id; empty means the configured default key.
   */
  'keyId': (string);
  /**
   * Encryption context: bound to the data key, needed again to unseal it. Not secret.
   */
  'context': ({[key: string]: string});
}
