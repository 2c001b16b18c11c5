// Original file: proto/kms.proto

import type { Long } from '@grpc/proto-loader';

export interface FlushCacheResponseInput {
  /**
   * Keys that were held.
   */
  'keys'?: (number | string | Long);
}

export interface FlushCacheResponse {
  /**
   * Keys that were held.
   */
  'keys': (number);
}
