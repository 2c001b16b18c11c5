// Original file: proto/kms.proto


export interface DecryptRequestInput {
  'keyId'?: (string);
  'sealed'?: (Buffer | Uint8Array | string);
  'context'?: ({[key: string]: string});
  /**
   * The caller wants to keep the key and use it again.
   */
  'lease'?: (boolean);
}

export interface DecryptRequest {
  'keyId': (string);
  'sealed': (Buffer);
  'context': ({[key: string]: string});
  /**
   * The caller wants to keep the key and use it again.
   */
  'lease': (boolean);
}
