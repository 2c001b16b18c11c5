// Original file: proto/kms.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { DataKeyInput as _sealgate_kms_v1_DataKeyInput, DataKey as _sealgate_kms_v1_DataKey } from '../../../sealgate/kms/v1/DataKey.ts';
import type { DecryptBatchRequestInput as _sealgate_kms_v1_DecryptBatchRequestInput, DecryptBatchRequest as _sealgate_kms_v1_DecryptBatchRequest } from '../../../sealgate/kms/v1/DecryptBatchRequest.ts';
import type { DecryptBatchResponseInput as _sealgate_kms_v1_DecryptBatchResponseInput, DecryptBatchResponse as _sealgate_kms_v1_DecryptBatchResponse } from '../../../sealgate/kms/v1/DecryptBatchResponse.ts';
import type { DecryptRequestInput as _sealgate_kms_v1_DecryptRequestInput, DecryptRequest as _sealgate_kms_v1_DecryptRequest } from '../../../sealgate/kms/v1/DecryptRequest.ts';
import type { DecryptResponseInput as _sealgate_kms_v1_DecryptResponseInput, DecryptResponse as _sealgate_kms_v1_DecryptResponse } from '../../../sealgate/kms/v1/DecryptResponse.ts';
import type { EncryptRequestInput as _sealgate_kms_v1_EncryptRequestInput, EncryptRequest as _sealgate_kms_v1_EncryptRequest } from '../../../sealgate/kms/v1/EncryptRequest.ts';
import type { EncryptResponseInput as _sealgate_kms_v1_EncryptResponseInput, EncryptResponse as _sealgate_kms_v1_EncryptResponse } from '../../../sealgate/kms/v1/EncryptResponse.ts';
import type { GenerateDataKeyRequestInput as _sealgate_kms_v1_GenerateDataKeyRequestInput, GenerateDataKeyRequest as _sealgate_kms_v1_GenerateDataKeyRequest } from '../../../sealgate/kms/v1/GenerateDataKeyRequest.ts';
import type { StatusRequestInput as _sealgate_kms_v1_StatusRequestInput, StatusRequest as _sealgate_kms_v1_StatusRequest } from '../../../sealgate/kms/v1/StatusRequest.ts';
import type { StatusResponseInput as _sealgate_kms_v1_StatusResponseInput, StatusResponse as _sealgate_kms_v1_StatusResponse } from '../../../sealgate/kms/v1/StatusResponse.ts';

export interface KeysClient extends grpc.Client {
  /**
   * Unseals one data key. Fails with INVALID_ARGUMENT when key id, sealed key or context do not belong together.
   */
  Decrypt(argument: _sealgate_kms_v1_DecryptRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sealgate_kms_v1_DecryptResponse>): grpc.ClientUnaryCall;
  Decrypt(argument: _sealgate_kms_v1_DecryptRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_sealgate_kms_v1_DecryptResponse>): grpc.ClientUnaryCall;
  Decrypt(argument: _sealgate_kms_v1_DecryptRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_sealgate_kms_v1_DecryptResponse>): grpc.ClientUnaryCall;
  Decrypt(argument: _sealgate_kms_v1_DecryptRequestInput, callback: grpc.requestCallback<_sealgate_kms_v1_DecryptResponse>): grpc.ClientUnaryCall;
  /**
   * Unseals one data key. Fails with INVALID_ARGUMENT when key id, sealed key or context do not belong together.
   */
  decrypt(argument: _sealgate_kms_v1_DecryptRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sealgate_kms_v1_DecryptResponse>): grpc.ClientUnaryCall;
  decrypt(argument: _sealgate_kms_v1_DecryptRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_sealgate_kms_v1_DecryptResponse>): grpc.ClientUnaryCall;
  decrypt(argument: _sealgate_kms_v1_DecryptRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_sealgate_kms_v1_DecryptResponse>): grpc.ClientUnaryCall;
  decrypt(argument: _sealgate_kms_v1_DecryptRequestInput, callback: grpc.requestCallback<_sealgate_kms_v1_DecryptResponse>): grpc.ClientUnaryCall;
  
  /**
   * Unseals up to 1,000 data keys. One bad item does not fail the others.
   */
  DecryptBatch(argument: _sealgate_kms_v1_DecryptBatchRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sealgate_kms_v1_DecryptBatchResponse>): grpc.ClientUnaryCall;
  DecryptBatch(argument: _sealgate_kms_v1_DecryptBatchRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_sealgate_kms_v1_DecryptBatchResponse>): grpc.ClientUnaryCall;
  DecryptBatch(argument: _sealgate_kms_v1_DecryptBatchRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_sealgate_kms_v1_DecryptBatchResponse>): grpc.ClientUnaryCall;
  DecryptBatch(argument: _sealgate_kms_v1_DecryptBatchRequestInput, callback: grpc.requestCallback<_sealgate_kms_v1_DecryptBatchResponse>): grpc.ClientUnaryCall;
  /**
   * Unseals up to 1,000 data keys. One bad item does not fail the others.
   */
  decryptBatch(argument: _sealgate_kms_v1_DecryptBatchRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sealgate_kms_v1_DecryptBatchResponse>): grpc.ClientUnaryCall;
  decryptBatch(argument: _sealgate_kms_v1_DecryptBatchRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_sealgate_kms_v1_DecryptBatchResponse>): grpc.ClientUnaryCall;
  decryptBatch(argument: _sealgate_kms_v1_DecryptBatchRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_sealgate_kms_v1_DecryptBatchResponse>): grpc.ClientUnaryCall;
  decryptBatch(argument: _sealgate_kms_v1_DecryptBatchRequestInput, callback: grpc.requestCallback<_sealgate_kms_v1_DecryptBatchResponse>): grpc.ClientUnaryCall;
  
  /**
   * Seals a small payload (at most 64 KiB) of another service under a master key.
   */
  Encrypt(argument: _sealgate_kms_v1_EncryptRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sealgate_kms_v1_EncryptResponse>): grpc.ClientUnaryCall;
  Encrypt(argument: _sealgate_kms_v1_EncryptRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_sealgate_kms_v1_EncryptResponse>): grpc.ClientUnaryCall;
  Encrypt(argument: _sealgate_kms_v1_EncryptRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_sealgate_kms_v1_EncryptResponse>): grpc.ClientUnaryCall;
  Encrypt(argument: _sealgate_kms_v1_EncryptRequestInput, callback: grpc.requestCallback<_sealgate_kms_v1_EncryptResponse>): grpc.ClientUnaryCall;
  /**
   * Seals a small payload (at most 64 KiB) of another service under a master key.
   */
  encrypt(argument: _sealgate_kms_v1_EncryptRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sealgate_kms_v1_EncryptResponse>): grpc.ClientUnaryCall;
  encrypt(argument: _sealgate_kms_v1_EncryptRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_sealgate_kms_v1_EncryptResponse>): grpc.ClientUnaryCall;
  encrypt(argument: _sealgate_kms_v1_EncryptRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_sealgate_kms_v1_EncryptResponse>): grpc.ClientUnaryCall;
  encrypt(argument: _sealgate_kms_v1_EncryptRequestInput, callback: grpc.requestCallback<_sealgate_kms_v1_EncryptResponse>): grpc.ClientUnaryCall;
  
  /**
   * Draws a fresh 32-byte data key and returns it together with its form sealed by the KMS.
   */
  GenerateDataKey(argument: _sealgate_kms_v1_GenerateDataKeyRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sealgate_kms_v1_DataKey>): grpc.ClientUnaryCall;
  GenerateDataKey(argument: _sealgate_kms_v1_GenerateDataKeyRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_sealgate_kms_v1_DataKey>): grpc.ClientUnaryCall;
  GenerateDataKey(argument: _sealgate_kms_v1_GenerateDataKeyRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_sealgate_kms_v1_DataKey>): grpc.ClientUnaryCall;
  GenerateDataKey(argument: _sealgate_kms_v1_GenerateDataKeyRequestInput, callback: grpc.requestCallback<_sealgate_kms_v1_DataKey>): grpc.ClientUnaryCall;
  /**
   * Draws a fresh 32-byte data key and returns it together with its form sealed by the KMS.
   */
  generateDataKey(argument: _sealgate_kms_v1_GenerateDataKeyRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sealgate_kms_v1_DataKey>): grpc.ClientUnaryCall;
  generateDataKey(argument: _sealgate_kms_v1_GenerateDataKeyRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_sealgate_kms_v1_DataKey>): grpc.ClientUnaryCall;
  generateDataKey(argument: _sealgate_kms_v1_GenerateDataKeyRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_sealgate_kms_v1_DataKey>): grpc.ClientUnaryCall;
  generateDataKey(argument: _sealgate_kms_v1_GenerateDataKeyRequestInput, callback: grpc.requestCallback<_sealgate_kms_v1_DataKey>): grpc.ClientUnaryCall;
  
  /**
   * How the service and its KMS session are.
   */
  Status(argument: _sealgate_kms_v1_StatusRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sealgate_kms_v1_StatusResponse>): grpc.ClientUnaryCall;
  Status(argument: _sealgate_kms_v1_StatusRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_sealgate_kms_v1_StatusResponse>): grpc.ClientUnaryCall;
  Status(argument: _sealgate_kms_v1_StatusRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_sealgate_kms_v1_StatusResponse>): grpc.ClientUnaryCall;
  Status(argument: _sealgate_kms_v1_StatusRequestInput, callback: grpc.requestCallback<_sealgate_kms_v1_StatusResponse>): grpc.ClientUnaryCall;
  /**
   * How the service and its KMS session are.
   */
  status(argument: _sealgate_kms_v1_StatusRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sealgate_kms_v1_StatusResponse>): grpc.ClientUnaryCall;
  status(argument: _sealgate_kms_v1_StatusRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_sealgate_kms_v1_StatusResponse>): grpc.ClientUnaryCall;
  status(argument: _sealgate_kms_v1_StatusRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_sealgate_kms_v1_StatusResponse>): grpc.ClientUnaryCall;
  status(argument: _sealgate_kms_v1_StatusRequestInput, callback: grpc.requestCallback<_sealgate_kms_v1_StatusResponse>): grpc.ClientUnaryCall;
  
}

export interface KeysHandlers extends grpc.UntypedServiceImplementation {
  /**
   * Unseals one data key. Fails with INVALID_ARGUMENT when key id, sealed key or context do not belong together.
   */
  Decrypt: grpc.handleUnaryCall<_sealgate_kms_v1_DecryptRequest, _sealgate_kms_v1_DecryptResponseInput>;
  
  /**
   * Unseals up to 1,000 data keys. One bad item does not fail the others.
   */
  DecryptBatch: grpc.handleUnaryCall<_sealgate_kms_v1_DecryptBatchRequest, _sealgate_kms_v1_DecryptBatchResponseInput>;
  
  /**
   * Seals a small payload (at most 64 KiB) of another service under a master key.
   */
  Encrypt: grpc.handleUnaryCall<_sealgate_kms_v1_EncryptRequest, _sealgate_kms_v1_EncryptResponseInput>;
  
  /**
   * Draws a fresh 32-byte data key and returns it together with its form sealed by the KMS.
   */
  GenerateDataKey: grpc.handleUnaryCall<_sealgate_kms_v1_GenerateDataKeyRequest, _sealgate_kms_v1_DataKeyInput>;
  
  /**
   * How the service and its KMS session are.
   */
  Status: grpc.handleUnaryCall<_sealgate_kms_v1_StatusRequest, _sealgate_kms_v1_StatusResponseInput>;
  
}

export interface KeysDefinition extends grpc.ServiceDefinition {
  Decrypt: MethodDefinition<_sealgate_kms_v1_DecryptRequestInput, _sealgate_kms_v1_DecryptResponseInput, _sealgate_kms_v1_DecryptRequest, _sealgate_kms_v1_DecryptResponse>
  DecryptBatch: MethodDefinition<_sealgate_kms_v1_DecryptBatchRequestInput, _sealgate_kms_v1_DecryptBatchResponseInput, _sealgate_kms_v1_DecryptBatchRequest, _sealgate_kms_v1_DecryptBatchResponse>
  Encrypt: MethodDefinition<_sealgate_kms_v1_EncryptRequestInput, _sealgate_kms_v1_EncryptResponseInput, _sealgate_kms_v1_EncryptRequest, _sealgate_kms_v1_EncryptResponse>
  GenerateDataKey: MethodDefinition<_sealgate_kms_v1_GenerateDataKeyRequestInput, _sealgate_kms_v1_DataKeyInput, _sealgate_kms_v1_GenerateDataKeyRequest, _sealgate_kms_v1_DataKey>
  Status: MethodDefinition<_sealgate_kms_v1_StatusRequestInput, _sealgate_kms_v1_StatusResponseInput, _sealgate_kms_v1_StatusRequest, _sealgate_kms_v1_StatusResponse>
}
