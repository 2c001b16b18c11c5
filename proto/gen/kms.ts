import type * as grpc from '@grpc/grpc-js';
import type { MessageTypeDefinition } from '@grpc/proto-loader';

import type { AdminClient as _sealgate_kms_v1_AdminClient, AdminDefinition as _sealgate_kms_v1_AdminDefinition } from './sealgate/kms/v1/Admin.ts';
import type { CreateKeyRequestInput as _sealgate_kms_v1_CreateKeyRequestInput, CreateKeyRequest as _sealgate_kms_v1_CreateKeyRequest } from './sealgate/kms/v1/CreateKeyRequest.ts';
import type { DataKeyInput as _sealgate_kms_v1_DataKeyInput, DataKey as _sealgate_kms_v1_DataKey } from './sealgate/kms/v1/DataKey.ts';
import type { DataKeyLeaseInput as _sealgate_kms_v1_DataKeyLeaseInput, DataKeyLease as _sealgate_kms_v1_DataKeyLease } from './sealgate/kms/v1/DataKeyLease.ts';
import type { DecryptBatchRequestInput as _sealgate_kms_v1_DecryptBatchRequestInput, DecryptBatchRequest as _sealgate_kms_v1_DecryptBatchRequest } from './sealgate/kms/v1/DecryptBatchRequest.ts';
import type { DecryptBatchResponseInput as _sealgate_kms_v1_DecryptBatchResponseInput, DecryptBatchResponse as _sealgate_kms_v1_DecryptBatchResponse } from './sealgate/kms/v1/DecryptBatchResponse.ts';
import type { DecryptBatchResultInput as _sealgate_kms_v1_DecryptBatchResultInput, DecryptBatchResult as _sealgate_kms_v1_DecryptBatchResult } from './sealgate/kms/v1/DecryptBatchResult.ts';
import type { DecryptRequestInput as _sealgate_kms_v1_DecryptRequestInput, DecryptRequest as _sealgate_kms_v1_DecryptRequest } from './sealgate/kms/v1/DecryptRequest.ts';
import type { DecryptResponseInput as _sealgate_kms_v1_DecryptResponseInput, DecryptResponse as _sealgate_kms_v1_DecryptResponse } from './sealgate/kms/v1/DecryptResponse.ts';
import type { DecryptStreamErrorInput as _sealgate_kms_v1_DecryptStreamErrorInput, DecryptStreamError as _sealgate_kms_v1_DecryptStreamError } from './sealgate/kms/v1/DecryptStreamError.ts';
import type { DecryptStreamRequestInput as _sealgate_kms_v1_DecryptStreamRequestInput, DecryptStreamRequest as _sealgate_kms_v1_DecryptStreamRequest } from './sealgate/kms/v1/DecryptStreamRequest.ts';
import type { DecryptStreamResponseInput as _sealgate_kms_v1_DecryptStreamResponseInput, DecryptStreamResponse as _sealgate_kms_v1_DecryptStreamResponse } from './sealgate/kms/v1/DecryptStreamResponse.ts';
import type { DescribeKeyRequestInput as _sealgate_kms_v1_DescribeKeyRequestInput, DescribeKeyRequest as _sealgate_kms_v1_DescribeKeyRequest } from './sealgate/kms/v1/DescribeKeyRequest.ts';
import type { DisableKeyRequestInput as _sealgate_kms_v1_DisableKeyRequestInput, DisableKeyRequest as _sealgate_kms_v1_DisableKeyRequest } from './sealgate/kms/v1/DisableKeyRequest.ts';
import type { DoctorCheckInput as _sealgate_kms_v1_DoctorCheckInput, DoctorCheck as _sealgate_kms_v1_DoctorCheck } from './sealgate/kms/v1/DoctorCheck.ts';
import type { DoctorRequestInput as _sealgate_kms_v1_DoctorRequestInput, DoctorRequest as _sealgate_kms_v1_DoctorRequest } from './sealgate/kms/v1/DoctorRequest.ts';
import type { DoctorResponseInput as _sealgate_kms_v1_DoctorResponseInput, DoctorResponse as _sealgate_kms_v1_DoctorResponse } from './sealgate/kms/v1/DoctorResponse.ts';
import type { EnableKeyRequestInput as _sealgate_kms_v1_EnableKeyRequestInput, EnableKeyRequest as _sealgate_kms_v1_EnableKeyRequest } from './sealgate/kms/v1/EnableKeyRequest.ts';
import type { EncryptRequestInput as _sealgate_kms_v1_EncryptRequestInput, EncryptRequest as _sealgate_kms_v1_EncryptRequest } from './sealgate/kms/v1/EncryptRequest.ts';
import type { EncryptResponseInput as _sealgate_kms_v1_EncryptResponseInput, EncryptResponse as _sealgate_kms_v1_EncryptResponse } from './sealgate/kms/v1/EncryptResponse.ts';
import type { FlushCacheRequestInput as _sealgate_kms_v1_FlushCacheRequestInput, FlushCacheRequest as _sealgate_kms_v1_FlushCacheRequest } from './sealgate/kms/v1/FlushCacheRequest.ts';
import type { FlushCacheResponseInput as _sealgate_kms_v1_FlushCacheResponseInput, FlushCacheResponse as _sealgate_kms_v1_FlushCacheResponse } from './sealgate/kms/v1/FlushCacheResponse.ts';
import type { GenerateDataKeyRequestInput as _sealgate_kms_v1_GenerateDataKeyRequestInput, GenerateDataKeyRequest as _sealgate_kms_v1_GenerateDataKeyRequest } from './sealgate/kms/v1/GenerateDataKeyRequest.ts';
import type { KeyCacheStatusInput as _sealgate_kms_v1_KeyCacheStatusInput, KeyCacheStatus as _sealgate_kms_v1_KeyCacheStatus } from './sealgate/kms/v1/KeyCacheStatus.ts';
import type { KeyDescriptionInput as _sealgate_kms_v1_KeyDescriptionInput, KeyDescription as _sealgate_kms_v1_KeyDescription } from './sealgate/kms/v1/KeyDescription.ts';
import type { KeyStateInput as _sealgate_kms_v1_KeyStateInput, KeyState as _sealgate_kms_v1_KeyState } from './sealgate/kms/v1/KeyState.ts';
import type { KeyUsesInput as _sealgate_kms_v1_KeyUsesInput, KeyUses as _sealgate_kms_v1_KeyUses } from './sealgate/kms/v1/KeyUses.ts';
import type { KeysClient as _sealgate_kms_v1_KeysClient, KeysDefinition as _sealgate_kms_v1_KeysDefinition } from './sealgate/kms/v1/Keys.ts';
import type { LeaseInput as _sealgate_kms_v1_LeaseInput, Lease as _sealgate_kms_v1_Lease } from './sealgate/kms/v1/Lease.ts';
import type { LeaseDataKeyRequestInput as _sealgate_kms_v1_LeaseDataKeyRequestInput, LeaseDataKeyRequest as _sealgate_kms_v1_LeaseDataKeyRequest } from './sealgate/kms/v1/LeaseDataKeyRequest.ts';
import type { ListKeysRequestInput as _sealgate_kms_v1_ListKeysRequestInput, ListKeysRequest as _sealgate_kms_v1_ListKeysRequest } from './sealgate/kms/v1/ListKeysRequest.ts';
import type { ListKeysResponseInput as _sealgate_kms_v1_ListKeysResponseInput, ListKeysResponse as _sealgate_kms_v1_ListKeysResponse } from './sealgate/kms/v1/ListKeysResponse.ts';
import type { ReportUsesRequestInput as _sealgate_kms_v1_ReportUsesRequestInput, ReportUsesRequest as _sealgate_kms_v1_ReportUsesRequest } from './sealgate/kms/v1/ReportUsesRequest.ts';
import type { ReportUsesResponseInput as _sealgate_kms_v1_ReportUsesResponseInput, ReportUsesResponse as _sealgate_kms_v1_ReportUsesResponse } from './sealgate/kms/v1/ReportUsesResponse.ts';
import type { ReportUsesResultInput as _sealgate_kms_v1_ReportUsesResultInput, ReportUsesResult as _sealgate_kms_v1_ReportUsesResult } from './sealgate/kms/v1/ReportUsesResult.ts';
import type { RewrapRequestInput as _sealgate_kms_v1_RewrapRequestInput, RewrapRequest as _sealgate_kms_v1_RewrapRequest } from './sealgate/kms/v1/RewrapRequest.ts';
import type { RewrapResultInput as _sealgate_kms_v1_RewrapResultInput, RewrapResult as _sealgate_kms_v1_RewrapResult } from './sealgate/kms/v1/RewrapResult.ts';
import type { RotateKeyRequestInput as _sealgate_kms_v1_RotateKeyRequestInput, RotateKeyRequest as _sealgate_kms_v1_RotateKeyRequest } from './sealgate/kms/v1/RotateKeyRequest.ts';
import type { StatusRequestInput as _sealgate_kms_v1_StatusRequestInput, StatusRequest as _sealgate_kms_v1_StatusRequest } from './sealgate/kms/v1/StatusRequest.ts';
import type { StatusResponseInput as _sealgate_kms_v1_StatusResponseInput, StatusResponse as _sealgate_kms_v1_StatusResponse } from './sealgate/kms/v1/StatusResponse.ts';
import type { WatchEventInput as _sealgate_kms_v1_WatchEventInput, WatchEvent as _sealgate_kms_v1_WatchEvent } from './sealgate/kms/v1/WatchEvent.ts';
import type { WatchRequestInput as _sealgate_kms_v1_WatchRequestInput, WatchRequest as _sealgate_kms_v1_WatchRequest } from './sealgate/kms/v1/WatchRequest.ts';

// any: matches constructors of every client class, whatever they take; the generator writes it so.
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
        DataKeyLease: MessageTypeDefinition<_sealgate_kms_v1_DataKeyLeaseInput, _sealgate_kms_v1_DataKeyLease>
        DecryptBatchRequest: MessageTypeDefinition<_sealgate_kms_v1_DecryptBatchRequestInput, _sealgate_kms_v1_DecryptBatchRequest>
        DecryptBatchResponse: MessageTypeDefinition<_sealgate_kms_v1_DecryptBatchResponseInput, _sealgate_kms_v1_DecryptBatchResponse>
        DecryptBatchResult: MessageTypeDefinition<_sealgate_kms_v1_DecryptBatchResultInput, _sealgate_kms_v1_DecryptBatchResult>
        DecryptRequest: MessageTypeDefinition<_sealgate_kms_v1_DecryptRequestInput, _sealgate_kms_v1_DecryptRequest>
        DecryptResponse: MessageTypeDefinition<_sealgate_kms_v1_DecryptResponseInput, _sealgate_kms_v1_DecryptResponse>
        DecryptStreamError: MessageTypeDefinition<_sealgate_kms_v1_DecryptStreamErrorInput, _sealgate_kms_v1_DecryptStreamError>
        DecryptStreamRequest: MessageTypeDefinition<_sealgate_kms_v1_DecryptStreamRequestInput, _sealgate_kms_v1_DecryptStreamRequest>
        DecryptStreamResponse: MessageTypeDefinition<_sealgate_kms_v1_DecryptStreamResponseInput, _sealgate_kms_v1_DecryptStreamResponse>
        DescribeKeyRequest: MessageTypeDefinition<_sealgate_kms_v1_DescribeKeyRequestInput, _sealgate_kms_v1_DescribeKeyRequest>
        DisableKeyRequest: MessageTypeDefinition<_sealgate_kms_v1_DisableKeyRequestInput, _sealgate_kms_v1_DisableKeyRequest>
        DoctorCheck: MessageTypeDefinition<_sealgate_kms_v1_DoctorCheckInput, _sealgate_kms_v1_DoctorCheck>
        DoctorRequest: MessageTypeDefinition<_sealgate_kms_v1_DoctorRequestInput, _sealgate_kms_v1_DoctorRequest>
        DoctorResponse: MessageTypeDefinition<_sealgate_kms_v1_DoctorResponseInput, _sealgate_kms_v1_DoctorResponse>
        EnableKeyRequest: MessageTypeDefinition<_sealgate_kms_v1_EnableKeyRequestInput, _sealgate_kms_v1_EnableKeyRequest>
        EncryptRequest: MessageTypeDefinition<_sealgate_kms_v1_EncryptRequestInput, _sealgate_kms_v1_EncryptRequest>
        EncryptResponse: MessageTypeDefinition<_sealgate_kms_v1_EncryptResponseInput, _sealgate_kms_v1_EncryptResponse>
        FlushCacheRequest: MessageTypeDefinition<_sealgate_kms_v1_FlushCacheRequestInput, _sealgate_kms_v1_FlushCacheRequest>
        FlushCacheResponse: MessageTypeDefinition<_sealgate_kms_v1_FlushCacheResponseInput, _sealgate_kms_v1_FlushCacheResponse>
        GenerateDataKeyRequest: MessageTypeDefinition<_sealgate_kms_v1_GenerateDataKeyRequestInput, _sealgate_kms_v1_GenerateDataKeyRequest>
        KeyCacheStatus: MessageTypeDefinition<_sealgate_kms_v1_KeyCacheStatusInput, _sealgate_kms_v1_KeyCacheStatus>
        KeyDescription: MessageTypeDefinition<_sealgate_kms_v1_KeyDescriptionInput, _sealgate_kms_v1_KeyDescription>
        KeyState: MessageTypeDefinition<_sealgate_kms_v1_KeyStateInput, _sealgate_kms_v1_KeyState>
        KeyUses: MessageTypeDefinition<_sealgate_kms_v1_KeyUsesInput, _sealgate_kms_v1_KeyUses>
        Keys: SubtypeConstructor<typeof grpc.Client, _sealgate_kms_v1_KeysClient> & { service: _sealgate_kms_v1_KeysDefinition }
        Lease: MessageTypeDefinition<_sealgate_kms_v1_LeaseInput, _sealgate_kms_v1_Lease>
        LeaseDataKeyRequest: MessageTypeDefinition<_sealgate_kms_v1_LeaseDataKeyRequestInput, _sealgate_kms_v1_LeaseDataKeyRequest>
        ListKeysRequest: MessageTypeDefinition<_sealgate_kms_v1_ListKeysRequestInput, _sealgate_kms_v1_ListKeysRequest>
        ListKeysResponse: MessageTypeDefinition<_sealgate_kms_v1_ListKeysResponseInput, _sealgate_kms_v1_ListKeysResponse>
        ReportUsesRequest: MessageTypeDefinition<_sealgate_kms_v1_ReportUsesRequestInput, _sealgate_kms_v1_ReportUsesRequest>
        ReportUsesResponse: MessageTypeDefinition<_sealgate_kms_v1_ReportUsesResponseInput, _sealgate_kms_v1_ReportUsesResponse>
        ReportUsesResult: MessageTypeDefinition<_sealgate_kms_v1_ReportUsesResultInput, _sealgate_kms_v1_ReportUsesResult>
        RewrapRequest: MessageTypeDefinition<_sealgate_kms_v1_RewrapRequestInput, _sealgate_kms_v1_RewrapRequest>
        RewrapResult: MessageTypeDefinition<_sealgate_kms_v1_RewrapResultInput, _sealgate_kms_v1_RewrapResult>
        RotateKeyRequest: MessageTypeDefinition<_sealgate_kms_v1_RotateKeyRequestInput, _sealgate_kms_v1_RotateKeyRequest>
        StatusRequest: MessageTypeDefinition<_sealgate_kms_v1_StatusRequestInput, _sealgate_kms_v1_StatusRequest>
        StatusResponse: MessageTypeDefinition<_sealgate_kms_v1_StatusResponseInput, _sealgate_kms_v1_StatusResponse>
        WatchEvent: MessageTypeDefinition<_sealgate_kms_v1_WatchEventInput, _sealgate_kms_v1_WatchEvent>
        WatchRequest: MessageTypeDefinition<_sealgate_kms_v1_WatchRequestInput, _sealgate_kms_v1_WatchRequest>
      }
    }
  }
}

