// Original file: proto/kms.proto


export interface LeaseDataKeyRequestInput {
  'keyId'?: (string);
  'context'?: ({[key: string]: string});
}

export interface LeaseDataKeyRequest {
  'keyId': (string);
  'context': ({[key: string]: string});
}
