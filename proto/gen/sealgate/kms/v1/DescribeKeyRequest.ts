// Original file: proto/kms.proto


export interface DescribeKeyRequestInput {
  /**
   * Empty means the configured default key.
   */
  'keyId'?: (string);
}

export interface DescribeKeyRequest {
  /**
   * Empty means the configured default key.
   */
  'keyId': (string);
}
