// Original file: proto/kms.proto


export interface DisableKeyRequestInput {
  'keyId'?: (string);
}

export interface DisableKeyRequest {
  'keyId': (string);
}
