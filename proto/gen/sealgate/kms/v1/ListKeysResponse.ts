// Original file: proto/kms.proto


export interface ListKeysResponseInput {
  'keyIds'?: (string)[];
}

export interface ListKeysResponse {
  'keyIds': (string)[];
}
