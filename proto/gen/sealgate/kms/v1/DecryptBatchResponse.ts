// Original file: proto/kms.proto

import type { DecryptBatchResultInput as _sealgate_kms_v1_DecryptBatchResultInput, DecryptBatchResult as _sealgate_kms_v1_DecryptBatchResult } from '../../../sealgate/kms/v1/DecryptBatchResult.ts';

export interface DecryptBatchResponseInput {
  /**
   * As many as there were requests, in their order.
   */
  'results'?: (_sealgate_kms_v1_DecryptBatchResultInput)[];
}

export interface DecryptBatchResponse {
  /**
   * As many as there were requests, in their order.
   */
  'results': (_sealgate_kms_v1_DecryptBatchResult)[];
}
