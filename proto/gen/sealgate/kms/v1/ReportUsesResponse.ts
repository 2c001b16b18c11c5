// Original file: proto/kms.proto

import type { ReportUsesResultInput as _sealgate_kms_v1_ReportUsesResultInput, ReportUsesResult as _sealgate_kms_v1_ReportUsesResult } from '../../../sealgate/kms/v1/ReportUsesResult.ts';

export interface ReportUsesResponseInput {
  /**
   * As many as there were items, in their order.
   */
  'results'?: (_sealgate_kms_v1_ReportUsesResultInput)[];
}

export interface ReportUsesResponse {
  /**
   * As many as there were items, in their order.
   */
  'results': (_sealgate_kms_v1_ReportUsesResult)[];
}
