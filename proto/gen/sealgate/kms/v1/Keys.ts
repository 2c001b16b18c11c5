// Original file: proto/kms.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { DataKeyInput as _sealgate_kms_v1_DataKeyInput, DataKey as _sealgate_kms_v1_DataKey } from '../../../sealgate/kms/v1/DataKey.ts';
import type { DataKeyLeaseInput as _sealgate_kms_v1_DataKeyLeaseInput, DataKeyLease as _sealgate_kms_v1_DataKeyLease } from '../../../sealgate/kms/v1/DataKeyLease.ts';
import type { DecryptBatchRequestInput as _sealgate_kms_v1_DecryptBatchRequestInput, DecryptBatchRequest as _sealgate_kms_v1_DecryptBatchRequest } from '../../../sealgate/kms/v1/DecryptBatchRequest.ts';
import type { DecryptBatchResponseInput as _sealgate_kms_v1_DecryptBatchResponseInput, DecryptBatchResponse as _sealgate_kms_v1_DecryptBatchResponse } from '../../../sealgate/kms/v1/DecryptBatchResponse.ts';
import type { DecryptRequestInput as _sealgate_kms_v1_DecryptRequestInput, DecryptRequest as _sealgate_kms_v1_DecryptRequest } from '../../../sealgate/kms/v1/DecryptRequest.ts';
import type { DecryptResponseInput as _sealgate_kms_v1_DecryptResponseInput, DecryptResponse as _sealgate_kms_v1_DecryptResponse } from '../../../sealgate/kms/v1/DecryptResponse.ts';
import type { DecryptStreamRequestInput as _sealgate_kms_v1_DecryptStreamRequestInput, DecryptStreamRequest as _sealgate_kms_v1_DecryptStreamRequest } from '../../../sealgate/kms/v1/DecryptStreamRequest.ts';
import type { DecryptStreamResponseInput as _sealgate_kms_v1_DecryptStreamResponseInput, DecryptStreamResponse as _sealgate_kms_v1_DecryptStreamResponse } from '../../../sealgate/kms/v1/DecryptStreamResponse.ts';
import type { EncryptRequestInput as _sealgate_kms_v1_EncryptRequestInput, EncryptRequest as _sealgate_kms_v1_EncryptRequest } from '../../../sealgate/kms/v1/EncryptRequest.ts';
import type { EncryptResponseInput as _sealgate_kms_v1_EncryptResponseInput, EncryptResponse as _sealgate_kms_v1_EncryptResponse } from '../../../sealgate/kms/v1/EncryptResponse.ts';
import type { GenerateDataKeyRequestInput as _sealgate_kms_v1_GenerateDataKeyRequestInput, GenerateDataKeyRequest as _sealgate_kms_v1_GenerateDataKeyRequest } from '../../../sealgate/kms/v1/GenerateDataKeyRequest.ts';
import type { LeaseDataKeyRequestInput as _sealgate_kms_v1_LeaseDataKeyRequestInput, LeaseDataKeyRequest as _sealgate_kms_v1_LeaseDataKeyRequest } from '../../../sealgate/kms/v1/LeaseDataKeyRequest.ts';
import type { ReportUsesRequestInput as _sealgate_kms_v1_ReportUsesRequestInput, ReportUsesRequest as _sealgate_kms_v1_ReportUsesRequest } from '../../../sealgate/kms/v1/ReportUsesRequest.ts';
import type { ReportUsesResponseInput as _sealgate_kms_v1_ReportUsesResponseInput, ReportUsesResponse as _sealgate_kms_v1_ReportUsesResponse } from '../../../sealgate/kms/v1/ReportUsesResponse.ts';
import type { RewrapRequestInput as _sealgate_kms_v1_RewrapRequestInput, RewrapRequest as _sealgate_kms_v1_RewrapRequest } from '../../../sealgate/kms/v1/RewrapRequest.ts';
import type { RewrapResultInput as _sealgate_kms_v1_RewrapResultInput, RewrapResult as _sealgate_kms_v1_RewrapResult } from '../../../sealgate/kms/v1/RewrapResult.ts';
import type { StatusRequestInput as _sealgate_kms_v1_StatusRequestInput, StatusRequest as _sealgate_kms_v1_StatusRequest } from '../../../sealgate/kms/v1/StatusRequest.ts';
import type { StatusResponseInput as _sealgate_kms_v1_StatusResponseInput, StatusResponse as _sealgate_kms_v1_StatusResponse } from '../../../sealgate/kms/v1/StatusResponse.ts';
import type { WatchEventInput as _sealgate_kms_v1_WatchEventInput, WatchEvent as _sealgate_kms_v1_WatchEvent } from '../../../sealgate/kms/v1/WatchEvent.ts';
import type { WatchRequestInput as _sealgate_kms_v1_WatchRequestInput, WatchRequest as _sealgate_kms_v1_WatchRequest } from '../../../sealgate/kms/v1/WatchRequest.ts';

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
   * Decrypt for those who open many keys a second: a stream is opened once, and each message on it is a Decrypt of its own, with
   * its own outcome, answered as soon as that is known, in any order. At most 128 are worked on at once; further ones wait in
   * the connection. The service ends the stream when it drains, once what it has begun is answered. Whatever has no answer
   * when a stream ends is to be sent again on another.
   */
  DecryptStream(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_sealgate_kms_v1_DecryptStreamRequestInput, _sealgate_kms_v1_DecryptStreamResponse>;
  DecryptStream(options?: grpc.CallOptions): grpc.ClientDuplexStream<_sealgate_kms_v1_DecryptStreamRequestInput, _sealgate_kms_v1_DecryptStreamResponse>;
  /**
   * Decrypt for those who open many keys a second: a stream is opened once, and each message on it is a Decrypt of its own, with
   * its own outcome, answered as soon as that is known, in any order. At most 128 are worked on at once; further ones wait in
   * the connection. The service ends the stream when it drains, once what it has begun is answered. Whatever has no answer
   * when a stream ends is to be sent again on another.
   */
  decryptStream(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_sealgate_kms_v1_DecryptStreamRequestInput, _sealgate_kms_v1_DecryptStreamResponse>;
  decryptStream(options?: grpc.CallOptions): grpc.ClientDuplexStream<_sealgate_kms_v1_DecryptStreamRequestInput, _sealgate_kms_v1_DecryptStreamResponse>;
  
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
   * The data key of the running epoch of a key id and context, the same for all callers, with the lease under which the
   * caller may seal objects with it. Without a key where the service is configured to reuse none: then each object takes
   * a GenerateDataKey of its own.
   */
  LeaseDataKey(argument: _sealgate_kms_v1_LeaseDataKeyRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sealgate_kms_v1_DataKeyLease>): grpc.ClientUnaryCall;
  LeaseDataKey(argument: _sealgate_kms_v1_LeaseDataKeyRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_sealgate_kms_v1_DataKeyLease>): grpc.ClientUnaryCall;
  LeaseDataKey(argument: _sealgate_kms_v1_LeaseDataKeyRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_sealgate_kms_v1_DataKeyLease>): grpc.ClientUnaryCall;
  LeaseDataKey(argument: _sealgate_kms_v1_LeaseDataKeyRequestInput, callback: grpc.requestCallback<_sealgate_kms_v1_DataKeyLease>): grpc.ClientUnaryCall;
  /**
   * The data key of the running epoch of a key id and context, the same for all callers, with the lease under which the
   * caller may seal objects with it. Without a key where the service is configured to reuse none: then each object takes
   * a GenerateDataKey of its own.
   */
  leaseDataKey(argument: _sealgate_kms_v1_LeaseDataKeyRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sealgate_kms_v1_DataKeyLease>): grpc.ClientUnaryCall;
  leaseDataKey(argument: _sealgate_kms_v1_LeaseDataKeyRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_sealgate_kms_v1_DataKeyLease>): grpc.ClientUnaryCall;
  leaseDataKey(argument: _sealgate_kms_v1_LeaseDataKeyRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_sealgate_kms_v1_DataKeyLease>): grpc.ClientUnaryCall;
  leaseDataKey(argument: _sealgate_kms_v1_LeaseDataKeyRequestInput, callback: grpc.requestCallback<_sealgate_kms_v1_DataKeyLease>): grpc.ClientUnaryCall;
  
  /**
   * What a holder of leases has sealed and opened with them since its last report: for the audit. At most 1,000 items.
   */
  ReportUses(argument: _sealgate_kms_v1_ReportUsesRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sealgate_kms_v1_ReportUsesResponse>): grpc.ClientUnaryCall;
  ReportUses(argument: _sealgate_kms_v1_ReportUsesRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_sealgate_kms_v1_ReportUsesResponse>): grpc.ClientUnaryCall;
  ReportUses(argument: _sealgate_kms_v1_ReportUsesRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_sealgate_kms_v1_ReportUsesResponse>): grpc.ClientUnaryCall;
  ReportUses(argument: _sealgate_kms_v1_ReportUsesRequestInput, callback: grpc.requestCallback<_sealgate_kms_v1_ReportUsesResponse>): grpc.ClientUnaryCall;
  /**
   * What a holder of leases has sealed and opened with them since its last report: for the audit. At most 1,000 items.
   */
  reportUses(argument: _sealgate_kms_v1_ReportUsesRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sealgate_kms_v1_ReportUsesResponse>): grpc.ClientUnaryCall;
  reportUses(argument: _sealgate_kms_v1_ReportUsesRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_sealgate_kms_v1_ReportUsesResponse>): grpc.ClientUnaryCall;
  reportUses(argument: _sealgate_kms_v1_ReportUsesRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_sealgate_kms_v1_ReportUsesResponse>): grpc.ClientUnaryCall;
  reportUses(argument: _sealgate_kms_v1_ReportUsesRequestInput, callback: grpc.requestCallback<_sealgate_kms_v1_ReportUsesResponse>): grpc.ClientUnaryCall;
  
  /**
   * Seals data keys anew under the newest version of their master key, in the order of the requests. One that cannot be
   * does not end the stream.
   */
  Rewrap(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_sealgate_kms_v1_RewrapRequestInput, _sealgate_kms_v1_RewrapResult>;
  Rewrap(options?: grpc.CallOptions): grpc.ClientDuplexStream<_sealgate_kms_v1_RewrapRequestInput, _sealgate_kms_v1_RewrapResult>;
  /**
   * Seals data keys anew under the newest version of their master key, in the order of the requests. One that cannot be
   * does not end the stream.
   */
  rewrap(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_sealgate_kms_v1_RewrapRequestInput, _sealgate_kms_v1_RewrapResult>;
  rewrap(options?: grpc.CallOptions): grpc.ClientDuplexStream<_sealgate_kms_v1_RewrapRequestInput, _sealgate_kms_v1_RewrapResult>;
  
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
  
  /**
   * What a holder of leases has to know at once: one event when it begins, at every change, and every few seconds.
   */
  Watch(argument: _sealgate_kms_v1_WatchRequestInput, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_sealgate_kms_v1_WatchEvent>;
  Watch(argument: _sealgate_kms_v1_WatchRequestInput, options?: grpc.CallOptions): grpc.ClientReadableStream<_sealgate_kms_v1_WatchEvent>;
  /**
   * What a holder of leases has to know at once: one event when it begins, at every change, and every few seconds.
   */
  watch(argument: _sealgate_kms_v1_WatchRequestInput, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_sealgate_kms_v1_WatchEvent>;
  watch(argument: _sealgate_kms_v1_WatchRequestInput, options?: grpc.CallOptions): grpc.ClientReadableStream<_sealgate_kms_v1_WatchEvent>;
  
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
   * Decrypt for those who open many keys a second: a stream is opened once, and each message on it is a Decrypt of its own, with
   * its own outcome, answered as soon as that is known, in any order. At most 128 are worked on at once; further ones wait in
   * the connection. The service ends the stream when it drains, once what it has begun is answered. Whatever has no answer
   * when a stream ends is to be sent again on another.
   */
  DecryptStream: grpc.handleBidiStreamingCall<_sealgate_kms_v1_DecryptStreamRequest, _sealgate_kms_v1_DecryptStreamResponseInput>;
  
  /**
   * Seals a small payload (at most 64 KiB) of another service under a master key.
   */
  Encrypt: grpc.handleUnaryCall<_sealgate_kms_v1_EncryptRequest, _sealgate_kms_v1_EncryptResponseInput>;
  
  /**
   * Draws a fresh 32-byte data key and returns it together with its form sealed by the KMS.
   */
  GenerateDataKey: grpc.handleUnaryCall<_sealgate_kms_v1_GenerateDataKeyRequest, _sealgate_kms_v1_DataKeyInput>;
  
  /**
   * The data key of the running epoch of a key id and context, the same for all callers, with the lease under which the
   * caller may seal objects with it. Without a key where the service is configured to reuse none: then each object takes
   * a GenerateDataKey of its own.
   */
  LeaseDataKey: grpc.handleUnaryCall<_sealgate_kms_v1_LeaseDataKeyRequest, _sealgate_kms_v1_DataKeyLeaseInput>;
  
  /**
   * What a holder of leases has sealed and opened with them since its last report: for the audit. At most 1,000 items.
   */
  ReportUses: grpc.handleUnaryCall<_sealgate_kms_v1_ReportUsesRequest, _sealgate_kms_v1_ReportUsesResponseInput>;
  
  /**
   * Seals data keys anew under the newest version of their master key, in the order of the requests. One that cannot be
   * does not end the stream.
   */
  Rewrap: grpc.handleBidiStreamingCall<_sealgate_kms_v1_RewrapRequest, _sealgate_kms_v1_RewrapResultInput>;
  
  /**
   * How the service and its KMS session are.
   */
  Status: grpc.handleUnaryCall<_sealgate_kms_v1_StatusRequest, _sealgate_kms_v1_StatusResponseInput>;
  
  /**
   * What a holder of leases has to know at once: one event when it begins, at every change, and every few seconds.
   */
  Watch: grpc.handleServerStreamingCall<_sealgate_kms_v1_WatchRequest, _sealgate_kms_v1_WatchEventInput>;
  
}

export interface KeysDefinition extends grpc.ServiceDefinition {
  Decrypt: MethodDefinition<_sealgate_kms_v1_DecryptRequestInput, _sealgate_kms_v1_DecryptResponseInput, _sealgate_kms_v1_DecryptRequest, _sealgate_kms_v1_DecryptResponse>
  DecryptBatch: MethodDefinition<_sealgate_kms_v1_DecryptBatchRequestInput, _sealgate_kms_v1_DecryptBatchResponseInput, _sealgate_kms_v1_DecryptBatchRequest, _sealgate_kms_v1_DecryptBatchResponse>
  DecryptStream: MethodDefinition<_sealgate_kms_v1_DecryptStreamRequestInput, _sealgate_kms_v1_DecryptStreamResponseInput, _sealgate_kms_v1_DecryptStreamRequest, _sealgate_kms_v1_DecryptStreamResponse>
  Encrypt: MethodDefinition<_sealgate_kms_v1_EncryptRequestInput, _sealgate_kms_v1_EncryptResponseInput, _sealgate_kms_v1_EncryptRequest, _sealgate_kms_v1_EncryptResponse>
  GenerateDataKey: MethodDefinition<_sealgate_kms_v1_GenerateDataKeyRequestInput, _sealgate_kms_v1_DataKeyInput, _sealgate_kms_v1_GenerateDataKeyRequest, _sealgate_kms_v1_DataKey>
  LeaseDataKey: MethodDefinition<_sealgate_kms_v1_LeaseDataKeyRequestInput, _sealgate_kms_v1_DataKeyLeaseInput, _sealgate_kms_v1_LeaseDataKeyRequest, _sealgate_kms_v1_DataKeyLease>
  ReportUses: MethodDefinition<_sealgate_kms_v1_ReportUsesRequestInput, _sealgate_kms_v1_ReportUsesResponseInput, _sealgate_kms_v1_ReportUsesRequest, _sealgate_kms_v1_ReportUsesResponse>
  Rewrap: MethodDefinition<_sealgate_kms_v1_RewrapRequestInput, _sealgate_kms_v1_RewrapResultInput, _sealgate_kms_v1_RewrapRequest, _sealgate_kms_v1_RewrapResult>
  Status: MethodDefinition<_sealgate_kms_v1_StatusRequestInput, _sealgate_kms_v1_StatusResponseInput, _sealgate_kms_v1_StatusRequest, _sealgate_kms_v1_StatusResponse>
  Watch: MethodDefinition<_sealgate_kms_v1_WatchRequestInput, _sealgate_kms_v1_WatchEventInput, _sealgate_kms_v1_WatchRequest, _sealgate_kms_v1_WatchEvent>
}
