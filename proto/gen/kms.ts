import type * as grpc from '@grpc/grpc-js';
import type { MessageTypeDefinition } from '@grpc/proto-loader';

import type { AdminClient as _sealgate_kms_v1_AdminClient, AdminDefinition as _sealgate_kms_v1_AdminDefinition } from './sealgate/kms/v1/Admin.ts';
import type { CreateKeyRequestInput as _sealgate_kms_v1_CreateKeyRequestInput, CreateKeyRequest as _sealgate_kms_v1_CreateKeyRequest } from './sealgate/kms/v1/CreateKeyRequest.ts';
import type { DataKeyInput as _sealgate_kms_v1_DataKeyInput, DataKey as _sealgate_kms_v1_DataKey } from './sealgate/kms/v1/DataKey.ts';
import type { DecryptBatchRequestInput as _sealgate_kms_v1_DecryptBatchRequestInput, DecryptBatchRequest as _sealgate_kms_v1_DecryptBatchRequest } from './sealgate/kms/v1/DecryptBatchRequest.ts';
import type { DecryptBatchResponseInput as _sealgate_kms_v1_DecryptBatchResponseInput, DecryptBatchResponse as _sealgate_kms_v1_DecryptBatchResponse } from './sealgate/kms/v1/DecryptBatchResponse.ts';
import type { DecryptBatchResultInput as _sealgate_kms_v1_DecryptBatchResultInput, DecryptBatchResult as _sealgate_kms_v1_DecryptBatchResult } from './sealgate/kms/v1/DecryptBatchResult.ts';
import type { DecryptRequestInput as _sealgate_kms_v1_DecryptRequestInput, DecryptRequest as _sealgate_kms_v1_DecryptRequest } from './sealgate/kms/v1/DecryptRequest.ts';
import type { DecryptResponseInput as _sealgate_kms_v1_DecryptResponseInput, DecryptResponse as _sealgate_kms_v1_DecryptResponse } from './sealgate/kms/v1/DecryptResponse.ts';
import type { DescribeKeyRequestInput as _sealgate_kms_v1_DescribeKeyRequestInput, DescribeKeyRequest as _sealgate_kms_v1_DescribeKeyRequest } from './sealgate/kms/v1/DescribeKeyRequest.ts';
import type { DoctorCheckInput as _sealgate_kms_v1_DoctorCheckInput, DoctorCheck as _sealgate_kms_v1_DoctorCheck } from './sealgate/kms/v1/DoctorCheck.ts';
import type { DoctorRequestInput as _sealgate_kms_v1_DoctorRequestInput, DoctorRequest as _sealgate_kms_v1_DoctorRequest } from './sealgate/kms/v1/DoctorRequest.ts';
import type { DoctorResponseInput as _sealgate_kms_v1_DoctorResponseInput, DoctorResponse as _sealgate_kms_v1_DoctorResponse } from './sealgate/kms/v1/DoctorResponse.ts';
import type { EncryptRequestInput as _sealgate_kms_v1_EncryptRequestInput, EncryptRequest as _sealgate_kms_v1_EncryptRequest } from './sealgate/kms/v1/EncryptRequest.ts';
import type { EncryptResponseInput as _sealgate_kms_v1_EncryptResponseInput, EncryptResponse as _sealgate_kms_v1_EncryptResponse } from './sealgate/kms/v1/EncryptResponse.ts';
import type { GenerateDataKeyRequestInput as _sealgate_kms_v1_GenerateDataKeyRequestInput, GenerateDataKeyRequest as _sealgate_kms_v1_GenerateDataKeyRequest } from './sealgate/kms/v1/GenerateDataKeyRequest.ts';
import type { KeyDescriptionInput as _sealgate_kms_v1_KeyDescriptionInput, KeyDescription as _sealgate_kms_v1_KeyDescription } from './sealgate/kms/v1/KeyDescription.ts';
import type { KeysClient as _sealgate_kms_v1_KeysClient, KeysDefinition as _sealgate_kms_v1_KeysDefinition } from './sealgate/kms/v1/Keys.ts';
import type { ListKeysRequestInput as _sealgate_kms_v1_ListKeysRequestInput, ListKeysRequest as _sealgate_kms_v1_ListKeysRequest } from './sealgate/kms/v1/ListKeysRequest.ts';
import type { ListKeysResponseInput as _sealgate_kms_v1_ListKeysResponseInput, ListKeysResponse as _sealgate_kms_v1_ListKeysResponse } from './sealgate/kms/v1/ListKeysResponse.ts';
import type { RotateKeyRequestInput as _sealgate_kms_v1_RotateKeyRequestInput, RotateKeyRequest as _sealgate_kms_v1_RotateKeyRequest } from './sealgate/kms/v1/RotateKeyRequest.ts';
import type { StatusRequestInput as _sealgate_kms_v1_StatusRequestInput, StatusRequest as _sealgate_kms_v1_StatusRequest } from './sealgate/kms/v1/StatusRequest.ts';
import type { StatusResponseInput as _sealgate_kms_v1_StatusResponseInput, StatusResponse as _sealgate_kms_v1_StatusResponse } from './sealgate/kms/v1/StatusResponse.ts';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  sealgate: {
    kms: {
      v1: {
        /**
         * What operators ask: keys of the KMS and what is wrong with it.
         */
        Admin: SubtypeConstructor<typeof grpc.Client, _sealgate_kms_v1_AdminClient> & { service: _sealgate_kms_v1_AdminDefinition }
        CreateKeyRequest: MessageTypeDefinition<_sealgate_kms_v1_CreateKeyRequestInput, _sealgate_kms_v1_CreateKeyRequest>
        DataKey: MessageTypeDefinition<_sealgate_kms_v1_DataKeyInput, _sealgate_kms_v1_DataKey>
        DecryptBatchRequest: MessageTypeDefinition<_sealgate_kms_v1_DecryptBatchRequestInput, _sealgate_kms_v1_DecryptBatchRequest>
        DecryptBatchResponse: MessageTypeDefinition<_sealgate_kms_v1_DecryptBatchResponseInput, _sealgate_kms_v1_DecryptBatchResponse>
        DecryptBatchResult: MessageTypeDefinition<_sealgate_kms_v1_DecryptBatchResultInput, _sealgate_kms_v1_DecryptBatchResult>
        DecryptRequest: MessageTypeDefinition<_sealgate_kms_v1_DecryptRequestInput, _sealgate_kms_v1_DecryptRequest>
        DecryptResponse: MessageTypeDefinition<_sealgate_kms_v1_DecryptResponseInput, _sealgate_kms_v1_DecryptResponse>
        DescribeKeyRequest: MessageTypeDefinition<_sealgate_kms_v1_DescribeKeyRequestInput, _sealgate_kms_v1_DescribeKeyRequest>
        DoctorCheck: MessageTypeDefinition<_sealgate_kms_v1_DoctorCheckInput, _sealgate_kms_v1_DoctorCheck>
        DoctorRequest: MessageTypeDefinition<_sealgate_kms_v1_DoctorRequestInput, _sealgate_kms_v1_DoctorRequest>
        DoctorResponse: MessageTypeDefinition<_sealgate_kms_v1_DoctorResponseInput, _sealgate_kms_v1_DoctorResponse>
        EncryptRequest: MessageTypeDefinition<_sealgate_kms_v1_EncryptRequestInput, _sealgate_kms_v1_EncryptRequest>
        EncryptResponse: MessageTypeDefinition<_sealgate_kms_v1_EncryptResponseInput, _sealgate_kms_v1_EncryptResponse>
        GenerateDataKeyRequest: MessageTypeDefinition<_sealgate_kms_v1_GenerateDataKeyRequestInput, _sealgate_kms_v1_GenerateDataKeyRequest>
        KeyDescription: MessageTypeDefinition<_sealgate_kms_v1_KeyDescriptionInput, _sealgate_kms_v1_KeyDescription>
        Keys: SubtypeConstructor<typeof grpc.Client, _sealgate_kms_v1_KeysClient> & { service: _sealgate_kms_v1_KeysDefinition }
        ListKeysRequest: MessageTypeDefinition<_sealgate_kms_v1_ListKeysRequestInput, _sealgate_kms_v1_ListKeysRequest>
        ListKeysResponse: MessageTypeDefinition<_sealgate_kms_v1_ListKeysResponseInput, _sealgate_kms_v1_ListKeysResponse>
        RotateKeyRequest: MessageTypeDefinition<_sealgate_kms_v1_RotateKeyRequestInput, _sealgate_kms_v1_RotateKeyRequest>
        StatusRequest: MessageTypeDefinition<_sealgate_kms_v1_StatusRequestInput, _sealgate_kms_v1_StatusRequest>
        StatusResponse: MessageTypeDefinition<_sealgate_kms_v1_StatusResponseInput, _sealgate_kms_v1_StatusResponse>
      }
    }
  }
}

