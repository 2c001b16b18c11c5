// Original file: proto/envelope.proto

import type { ContextFormInput as _sealgate_envelope_v1_ContextFormInput, ContextForm as _sealgate_envelope_v1_ContextForm } from '../../../sealgate/envelope/v1/ContextForm.ts';

/**
 * What completes an upload without the client's key: AWS wants that with the parts only.
 */
export interface CompletionInput {
  /**
   * A key of its own, found and sealed as the object key of an object with SSE-S3 and this name.
   */
  'keyId'?: (string);
  'sealedDataKey'?: (Buffer | Uint8Array | string);
  'contextForm'?: (_sealgate_envelope_v1_ContextFormInput);
  'epoch'?: (Buffer | Uint8Array | string);
  'iv'?: (Buffer | Uint8Array | string);
  'sealedKey'?: (Buffer | Uint8Array | string);
  /**
   * Under that key, the keys of the MACs of the object's envelope and of the upload's parts, which open nothing: 64 bytes as a
   * DARE 2.0 stream of 96.
   */
  'sealedMacKeys'?: (Buffer | Uint8Array | string);
}

/**
 * What completes an upload without the client's key: AWS wants that with the parts only.
 */
export interface Completion {
  /**
   * A key of its own, found and sealed as the object key of an object with SSE-S3 and this name.
   */
  'keyId': (string);
  'sealedDataKey': (Buffer);
  'contextForm': (_sealgate_envelope_v1_ContextForm);
  'epoch': (Buffer);
  'iv': (Buffer);
  'sealedKey': (Buffer);
  /**
   * Under that key, the keys of the MACs of the object's envelope and of the upload's parts, which open nothing: 64 bytes as a
   * DARE 2.0 stream of 96.
   */
  'sealedMacKeys': (Buffer);
}
