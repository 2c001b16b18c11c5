// Original file: proto/kms.proto


export interface DecryptResponseInput {
  'plaintext'?: (Buffer | Uint8Array | string);
}

export interface DecryptResponse {
  'plaintext': (Buffer);
}
