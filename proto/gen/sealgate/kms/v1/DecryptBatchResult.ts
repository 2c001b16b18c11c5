// Original file: proto/kms.proto


export interface DecryptBatchResultInput {
  'plaintext'?: (Buffer | Uint8Array | string);
  /**
   * A code of control/errors.ts, for example "invalid-ciphertext".
   */
  'error'?: (string);
  'result'?: "plaintext"|"error";
}

export interface DecryptBatchResult {
  'plaintext'?: (Buffer);
  /**
   * A code of control/errors.ts, for example "invalid-ciphertext".
   */
  'error'?: (string);
  'result'?: "plaintext"|"error";
}
