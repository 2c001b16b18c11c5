// Original file: proto/kms.proto

import type { Long } from '@grpc/proto-loader';

export interface KeyUsesInput {
  'keyId'?: (string);
  'context'?: ({[key: string]: string});
  /**
   * Objects.
   */
  'sealed'?: (number | string | Long);
  'opened'?: (number | string | Long);
}

export interface KeyUses {
  'keyId': (string);
  'context': ({[key: string]: string});
  /**
   * Objects.
   */
  'sealed': (number);
  'opened': (number);
}
