// Original file: proto/kms.proto


export interface RewrapResultInput {
  /**
   * The same data key, sealed by the newest version; it was opened again and compared before this was sent.
   */
  'sealed'?: (Buffer | Uint8Array | string);
  /**
   * A code of control/errors.ts.
   */
  'error'?: (string);
  'result'?: "sealed"|"error";
}

export interface RewrapResult {
  /**
   * The same data key, sealed by the newest version; it was opened again and compared before this was sent.
   */
  'sealed'?: (Buffer);
  /**
   * A code of control/errors.ts.
   */
  'error'?: (string);
  'result'?: "sealed"|"error";
}
