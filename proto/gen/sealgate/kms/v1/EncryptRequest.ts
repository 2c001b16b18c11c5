// Original file: proto/kms.proto


export interface EncryptRequestInput {
  'keyId'?: (string);
  'plaintext'?: (Buffer | Uint8Array | string);
  'context'?: ({[key: string]: string});
}

export interface EncryptRequest {
  'keyId': (string);
  'plaintext': (Buffer);
  'context': ({[key: string]: string});
}
