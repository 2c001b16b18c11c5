// Original file: proto/envelope.proto

import type { Long } from '@grpc/proto-loader';

export interface PartInput {
  'number'?: (number);
  /**
   * Plaintext bytes.
   */
  'size'?: (number | string | Long);
}

export interface Part {
  'number': (number);
  /**
   * Plaintext bytes.
   */
  'size': (number);
}
