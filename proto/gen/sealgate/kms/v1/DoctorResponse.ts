// Original file: proto/kms.proto

import type { DoctorCheckInput as _sealgate_kms_v1_DoctorCheckInput, DoctorCheck as _sealgate_kms_v1_DoctorCheck } from '../../../sealgate/kms/v1/DoctorCheck.ts';

export interface DoctorResponseInput {
  'checks'?: (_sealgate_kms_v1_DoctorCheckInput)[];
}

export interface DoctorResponse {
  'checks': (_sealgate_kms_v1_DoctorCheck)[];
}
