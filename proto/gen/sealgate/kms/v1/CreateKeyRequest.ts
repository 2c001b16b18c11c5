// Original file: proto/kms.proto


export interface CreateKeyRequestInput {
  'keyId'?: (string);
  /**
   * Bind data keys to their encryption context in the KMS itself.
   */
  'contextBound'?: (boolean);
}

export interface CreateKeyRequest {
  'keyId': (string);
  /**
   * Bind data keys to their encryption context in the KMS itself.
   */
  'contextBound': (boolean);
}
