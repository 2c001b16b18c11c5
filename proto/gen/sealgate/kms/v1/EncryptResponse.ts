// Original file: proto/kms.proto


export interface EncryptResponseInput {
  'keyId'?: (string);
  'sealed'?: (Buffer | Uint8Array | string);
}

export interface EncryptResponse {
  'keyId': (string);
  'sealed': (Buffer);
}
