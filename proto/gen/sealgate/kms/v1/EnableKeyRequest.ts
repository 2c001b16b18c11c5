// Original file: proto/kms.proto


export interface EnableKeyRequestInput {
  'keyId'?: (string);
}

export interface EnableKeyRequest {
  'keyId': (string);
}
