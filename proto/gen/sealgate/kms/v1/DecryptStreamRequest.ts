// Original file: proto/kms.proto

import type { DecryptRequestInput as _sealgate_kms_v1_DecryptRequestInput, DecryptRequest as _sealgate_kms_v1_DecryptRequest } from '../../../sealgate/kms/v1/DecryptRequest.ts';

export interface DecryptStreamRequestInput {
  /**
   * The caller's own, for the answer to carry; free again once that is there. An id that still waits for its answer ends the
   * stream with INVALID_ARGUMENT, after all that came before is answered.
   */
  'id'?: (number);
  'request'?: (_sealgate_kms_v1_DecryptRequestInput | null);
  /**
   * How long the service may wait for the KMS; 0 stands for the most, 60,000.
   */
  'timeoutMs'?: (number);
}

export interface DecryptStreamRequest {
  /**
   * The caller's own, for the answer to carry; free again once that is there. An id that still waits for its answer ends the
   * stream with INVALID_ARGUMENT, after all that came before is answered.
   */
  'id': (number);
  'request': (_sealgate_kms_v1_DecryptRequest | null);
  /**
   * How long the service may wait for the KMS; 0 stands for the most, 60,000.
   */
  'timeoutMs': (number);
}
