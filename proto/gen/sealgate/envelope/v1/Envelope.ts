// Original file: proto/envelope.proto

import type { ModeInput as _sealgate_envelope_v1_ModeInput, Mode as _sealgate_envelope_v1_Mode } from '../../../sealgate/envelope/v1/Mode.ts';
import type { ContextFormInput as _sealgate_envelope_v1_ContextFormInput, ContextForm as _sealgate_envelope_v1_ContextForm } from '../../../sealgate/envelope/v1/ContextForm.ts';
import type { LayoutInput as _sealgate_envelope_v1_LayoutInput, Layout as _sealgate_envelope_v1_Layout } from '../../../sealgate/envelope/v1/Layout.ts';
import type { PartInput as _sealgate_envelope_v1_PartInput, Part as _sealgate_envelope_v1_Part } from '../../../sealgate/envelope/v1/Part.ts';
import type { CompletionInput as _sealgate_envelope_v1_CompletionInput, Completion as _sealgate_envelope_v1_Completion } from '../../../sealgate/envelope/v1/Completion.ts';
import type { Long } from '@grpc/proto-loader';

export interface EnvelopeInput {
  /**
   * The format's version; this page describes 1.
   */
  'format'?: (number);
  'mode'?: (_sealgate_envelope_v1_ModeInput);
  /**
   * The master key that sealed the data key (SSE-S3, SSE-KMS).
   */
  'keyId'?: (string);
  /**
   * The KMS's ciphertext of the data key (SSE-S3, SSE-KMS).
   */
  'sealedDataKey'?: (Buffer | Uint8Array | string);
  'contextForm'?: (_sealgate_envelope_v1_ContextFormInput);
  /**
   * What the client gave as encryption context (SSE-KMS); the bucket's own entry is added when it is used.
   */
  'clientContext'?: ({[key: string]: string});
  /**
   * 32 random bytes, input of the key-encryption key.
   */
  'iv'?: (Buffer | Uint8Array | string);
  /**
   * The object key, 32 bytes, as a DARE 2.0 stream of 64 bytes.
   */
  'sealedObjectKey'?: (Buffer | Uint8Array | string);
  'layout'?: (_sealgate_envelope_v1_LayoutInput);
  /**
   * Plaintext bytes of the whole object.
   */
  'size'?: (number | string | Long);
  /**
   * PARTS: the object's parts in order.
   */
  'parts'?: (_sealgate_envelope_v1_PartInput)[];
  /**
   * The epoch that the data key belongs to: the first 16 bytes of HMAC-SHA256(data key, "sealgate/epoch/1"). Empty for a
   * data key that serves one object alone. The store has a record of every epoch, whose sealed data key is preferred.
   */
  'epoch'?: (Buffer | Uint8Array | string);
  /**
   * Of a running upload with SSE-C and without a checksum algorithm, where there is a KMS.
   */
  'completion'?: (_sealgate_envelope_v1_CompletionInput | null);
}

export interface Envelope {
  /**
   * The format's version; this page describes 1.
   */
  'format': (number);
  'mode': (_sealgate_envelope_v1_Mode);
  /**
   * The master key that sealed the data key (SSE-S3, SSE-KMS).
   */
  'keyId': (string);
  /**
   * The KMS's ciphertext of the data key (SSE-S3, SSE-KMS).
   */
  'sealedDataKey': (Buffer);
  'contextForm': (_sealgate_envelope_v1_ContextForm);
  /**
   * What the client gave as encryption context (SSE-KMS); the bucket's own entry is added when it is used.
   */
  'clientContext': ({[key: string]: string});
  /**
   * 32 random bytes, input of the key-encryption key.
   */
  'iv': (Buffer);
  /**
   * The object key, 32 bytes, as a DARE 2.0 stream of 64 bytes.
   */
  'sealedObjectKey': (Buffer);
  'layout': (_sealgate_envelope_v1_Layout);
  /**
   * Plaintext bytes of the whole object.
   */
  'size': (number);
  /**
   * PARTS: the object's parts in order.
   */
  'parts': (_sealgate_envelope_v1_Part)[];
  /**
   * The epoch that the data key belongs to: the first 16 bytes of HMAC-SHA256(data key, "sealgate/epoch/1"). Empty for a
   * data key that serves one object alone. The store has a record of every epoch, whose sealed data key is preferred.
   */
  'epoch': (Buffer);
  /**
   * Of a running upload with SSE-C and without a checksum algorithm, where there is a KMS.
   */
  'completion': (_sealgate_envelope_v1_Completion | null);
}
