// Original file: proto/kms.proto

import type { DecryptResponseInput as _sealgate_kms_v1_DecryptResponseInput, DecryptResponse as _sealgate_kms_v1_DecryptResponse } from '../../../sealgate/kms/v1/DecryptResponse.ts';
import type { DecryptStreamErrorInput as _sealgate_kms_v1_DecryptStreamErrorInput, DecryptStreamError as _sealgate_kms_v1_DecryptStreamError } from '../../../sealgate/kms/v1/DecryptStreamError.ts';

export interface DecryptStreamResponseInput {
  'id'?: (number);
  'response'?: (_sealgate_kms_v1_DecryptResponseInput | null);
  'error'?: (_sealgate_kms_v1_DecryptStreamErrorInput | null);
  'result'?: "response"|"error";
}

export interface DecryptStreamResponse {
  'id': (number);
  'response'?: (_sealgate_kms_v1_DecryptResponse | null);
  'error'?: (_sealgate_kms_v1_DecryptStreamError | null);
  'result'?: "response"|"error";
}
