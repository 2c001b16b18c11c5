// Original file: proto/kms.proto

import type { KeyUsesInput as _sealgate_kms_v1_KeyUsesInput, KeyUses as _sealgate_kms_v1_KeyUses } from '../../../sealgate/kms/v1/KeyUses.ts';

export interface ReportUsesRequestInput {
  'items'?: (_sealgate_kms_v1_KeyUsesInput)[];
}

export interface ReportUsesRequest {
  'items': (_sealgate_kms_v1_KeyUses)[];
}
