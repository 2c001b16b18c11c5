// Original file: proto/kms.proto

import type { LeaseInput as _sealgate_kms_v1_LeaseInput, Lease as _sealgate_kms_v1_Lease } from '../../../sealgate/kms/v1/Lease.ts';

export interface DecryptResponseInput {
  'plaintext'?: (Buffer | Uint8Array | string);
  /**
   * Where one was asked for.
   */
  'lease'?: (_sealgate_kms_v1_LeaseInput | null);
}

export interface DecryptResponse {
  'plaintext': (Buffer);
  /**
   * Where one was asked for.
   */
  'lease': (_sealgate_kms_v1_Lease | null);
}
