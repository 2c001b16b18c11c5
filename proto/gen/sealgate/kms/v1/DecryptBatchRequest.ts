// Original file: proto/kms.proto

import type { DecryptRequestInput as _sealgate_kms_v1_DecryptRequestInput, DecryptRequest as _sealgate_kms_v1_DecryptRequest } from '../../../sealgate/kms/v1/DecryptRequest.ts';

export interface DecryptBatchRequestInput {
  'items'?: (_sealgate_kms_v1_DecryptRequestInput)[];
}

export interface DecryptBatchRequest {
  'items': (_sealgate_kms_v1_DecryptRequest)[];
}
