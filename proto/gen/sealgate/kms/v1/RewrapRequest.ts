// Original file: proto/kms.proto


export interface RewrapRequestInput {
  'keyId'?: (string);
  'sealed'?: (Buffer | Uint8Array | string);
  'context'?: ({[key: string]: string});
}

export interface RewrapRequest {
  'keyId': (string);
  'sealed': (Buffer);
  'context': ({[key: string]: string});
}
