// Original file: proto/kms.proto


export interface RotateKeyRequestInput {
  'keyId'?: (string);
}

export interface RotateKeyRequest {
  'keyId': (string);
}
