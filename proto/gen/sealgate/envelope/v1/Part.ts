// Original file: proto/envelope.proto

import type { Long } from '@grpc/proto-loader';

export interface PartInput {
  'number'?: (number);
  /**
   * Plaintext bytes.
   */
  'size'?: (number | string | Long);
  /**
   * 12 bytes: the nonce of the part's stream. A part that was sent again left another stream under the same key, which is
   * not the one that the client completed the upload with. Empty: the part was sent before there was this field.
   */
  'nonce'?: (Buffer | Uint8Array | string);
}

export interface Part {
  'number': (number);
  /**
   * Plaintext bytes.
   */
  'size': (number);
  /**
   * 12 bytes: the nonce of the part's stream. A part that was sent again left another stream under the same key, which is
   * not the one that the client completed the upload with. Empty: the part was sent before there was this field.
   */
  'nonce': (Buffer);
}
