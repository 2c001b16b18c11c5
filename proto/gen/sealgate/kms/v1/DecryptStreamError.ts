// Original file: proto/kms.proto


/**
 * What a call of Decrypt would have ended with.
 */
export interface DecryptStreamErrorInput {
  /**
   * The gRPC status.
   */
  'code'?: (number);
  'message'?: (string);
  /**
   * With RESOURCE_EXHAUSTED: after how long to try again, as the metadata of a call tell it; else 0.
   */
  'retryAfterMs'?: (number);
}

/**
 * What a call of Decrypt would have ended with.
 */
export interface DecryptStreamError {
  /**
   * The gRPC status.
   */
  'code': (number);
  'message': (string);
  /**
   * With RESOURCE_EXHAUSTED: after how long to try again, as the metadata of a call tell it; else 0.
   */
  'retryAfterMs': (number);
}
