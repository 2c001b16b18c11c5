// Original file: proto/kms.proto

import type { LeaseInput as _sealgate_kms_v1_LeaseInput, Lease as _sealgate_kms_v1_Lease } from '../../../sealgate/kms/v1/Lease.ts';

export interface DataKeyLeaseInput {
  /**
   * False: keys are not reused here, and the other fields are empty.
   */
  'reused'?: (boolean);
  'keyId'?: (string);
  'plaintext'?: (Buffer | Uint8Array | string);
  'sealed'?: (Buffer | Uint8Array | string);
  'lease'?: (_sealgate_kms_v1_LeaseInput | null);
}

export interface DataKeyLease {
  /**
   * False: keys are not reused here, and the other fields are empty.
   */
  'reused': (boolean);
  'keyId': (string);
  'plaintext': (Buffer);
  'sealed': (Buffer);
  'lease': (_sealgate_kms_v1_Lease | null);
}
