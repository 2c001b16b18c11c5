// Original file: proto/kms.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { CreateKeyRequestInput as _sealgate_kms_v1_CreateKeyRequestInput, CreateKeyRequest as _sealgate_kms_v1_CreateKeyRequest } from '../../../sealgate/kms/v1/CreateKeyRequest.ts';
import type { DescribeKeyRequestInput as _sealgate_kms_v1_DescribeKeyRequestInput, DescribeKeyRequest as _sealgate_kms_v1_DescribeKeyRequest } from '../../../sealgate/kms/v1/DescribeKeyRequest.ts';
import type { DisableKeyRequestInput as _sealgate_kms_v1_DisableKeyRequestInput, DisableKeyRequest as _sealgate_kms_v1_DisableKeyRequest } from '../../../sealgate/kms/v1/DisableKeyRequest.ts';
import type { DoctorRequestInput as _sealgate_kms_v1_DoctorRequestInput, DoctorRequest as _sealgate_kms_v1_DoctorRequest } from '../../../sealgate/kms/v1/DoctorRequest.ts';
import type { DoctorResponseInput as _sealgate_kms_v1_DoctorResponseInput, DoctorResponse as _sealgate_kms_v1_DoctorResponse } from '../../../sealgate/kms/v1/DoctorResponse.ts';
import type { EnableKeyRequestInput as _sealgate_kms_v1_EnableKeyRequestInput, EnableKeyRequest as _sealgate_kms_v1_EnableKeyRequest } from '../../../sealgate/kms/v1/EnableKeyRequest.ts';
import type { FlushCacheRequestInput as _sealgate_kms_v1_FlushCacheRequestInput, FlushCacheRequest as _sealgate_kms_v1_FlushCacheRequest } from '../../../sealgate/kms/v1/FlushCacheRequest.ts';
import type { FlushCacheResponseInput as _sealgate_kms_v1_FlushCacheResponseInput, FlushCacheResponse as _sealgate_kms_v1_FlushCacheResponse } from '../../../sealgate/kms/v1/FlushCacheResponse.ts';
import type { KeyDescriptionInput as _sealgate_kms_v1_KeyDescriptionInput, KeyDescription as _sealgate_kms_v1_KeyDescription } from '../../../sealgate/kms/v1/KeyDescription.ts';
import type { KeyStateInput as _sealgate_kms_v1_KeyStateInput, KeyState as _sealgate_kms_v1_KeyState } from '../../../sealgate/kms/v1/KeyState.ts';
import type { ListKeysRequestInput as _sealgate_kms_v1_ListKeysRequestInput, ListKeysRequest as _sealgate_kms_v1_ListKeysRequest } from '../../../sealgate/kms/v1/ListKeysRequest.ts';
import type { ListKeysResponseInput as _sealgate_kms_v1_ListKeysResponseInput, ListKeysResponse as _sealgate_kms_v1_ListKeysResponse } from '../../../sealgate/kms/v1/ListKeysResponse.ts';
import type { RotateKeyRequestInput as _sealgate_kms_v1_RotateKeyRequestInput, RotateKeyRequest as _sealgate_kms_v1_RotateKeyRequest } from '../../../sealgate/kms/v1/RotateKeyRequest.ts';

/**
 * What operators ask: keys of the KMS and what is wrong with it.
 */
export interface AdminClient extends grpc.Client {
  /**
   * Makes a key. Fails with FAILED_PRECONDITION where there is one of that name.
   */
  CreateKey(argument: _sealgate_kms_v1_CreateKeyRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sealgate_kms_v1_KeyDescription>): grpc.ClientUnaryCall;
  CreateKey(argument: _sealgate_kms_v1_CreateKeyRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_sealgate_kms_v1_KeyDescription>): grpc.ClientUnaryCall;
  CreateKey(argument: _sealgate_kms_v1_CreateKeyRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_sealgate_kms_v1_KeyDescription>): grpc.ClientUnaryCall;
  CreateKey(argument: _sealgate_kms_v1_CreateKeyRequestInput, callback: grpc.requestCallback<_sealgate_kms_v1_KeyDescription>): grpc.ClientUnaryCall;
  /**
   * Makes a key. Fails with FAILED_PRECONDITION where there is one of that name.
   */
  createKey(argument: _sealgate_kms_v1_CreateKeyRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sealgate_kms_v1_KeyDescription>): grpc.ClientUnaryCall;
  createKey(argument: _sealgate_kms_v1_CreateKeyRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_sealgate_kms_v1_KeyDescription>): grpc.ClientUnaryCall;
  createKey(argument: _sealgate_kms_v1_CreateKeyRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_sealgate_kms_v1_KeyDescription>): grpc.ClientUnaryCall;
  createKey(argument: _sealgate_kms_v1_CreateKeyRequestInput, callback: grpc.requestCallback<_sealgate_kms_v1_KeyDescription>): grpc.ClientUnaryCall;
  
  DescribeKey(argument: _sealgate_kms_v1_DescribeKeyRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sealgate_kms_v1_KeyDescription>): grpc.ClientUnaryCall;
  DescribeKey(argument: _sealgate_kms_v1_DescribeKeyRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_sealgate_kms_v1_KeyDescription>): grpc.ClientUnaryCall;
  DescribeKey(argument: _sealgate_kms_v1_DescribeKeyRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_sealgate_kms_v1_KeyDescription>): grpc.ClientUnaryCall;
  DescribeKey(argument: _sealgate_kms_v1_DescribeKeyRequestInput, callback: grpc.requestCallback<_sealgate_kms_v1_KeyDescription>): grpc.ClientUnaryCall;
  describeKey(argument: _sealgate_kms_v1_DescribeKeyRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sealgate_kms_v1_KeyDescription>): grpc.ClientUnaryCall;
  describeKey(argument: _sealgate_kms_v1_DescribeKeyRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_sealgate_kms_v1_KeyDescription>): grpc.ClientUnaryCall;
  describeKey(argument: _sealgate_kms_v1_DescribeKeyRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_sealgate_kms_v1_KeyDescription>): grpc.ClientUnaryCall;
  describeKey(argument: _sealgate_kms_v1_DescribeKeyRequestInput, callback: grpc.requestCallback<_sealgate_kms_v1_KeyDescription>): grpc.ClientUnaryCall;
  
  /**
   * Stops all use of a key, here and with every holder of a lease, within a second. The KMS is not asked.
   */
  DisableKey(argument: _sealgate_kms_v1_DisableKeyRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sealgate_kms_v1_KeyState>): grpc.ClientUnaryCall;
  DisableKey(argument: _sealgate_kms_v1_DisableKeyRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_sealgate_kms_v1_KeyState>): grpc.ClientUnaryCall;
  DisableKey(argument: _sealgate_kms_v1_DisableKeyRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_sealgate_kms_v1_KeyState>): grpc.ClientUnaryCall;
  DisableKey(argument: _sealgate_kms_v1_DisableKeyRequestInput, callback: grpc.requestCallback<_sealgate_kms_v1_KeyState>): grpc.ClientUnaryCall;
  /**
   * Stops all use of a key, here and with every holder of a lease, within a second. The KMS is not asked.
   */
  disableKey(argument: _sealgate_kms_v1_DisableKeyRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sealgate_kms_v1_KeyState>): grpc.ClientUnaryCall;
  disableKey(argument: _sealgate_kms_v1_DisableKeyRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_sealgate_kms_v1_KeyState>): grpc.ClientUnaryCall;
  disableKey(argument: _sealgate_kms_v1_DisableKeyRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_sealgate_kms_v1_KeyState>): grpc.ClientUnaryCall;
  disableKey(argument: _sealgate_kms_v1_DisableKeyRequestInput, callback: grpc.requestCallback<_sealgate_kms_v1_KeyState>): grpc.ClientUnaryCall;
  
  /**
   * Tries everything that the KMS is needed for, and tells what would mend what fails.
   */
  Doctor(argument: _sealgate_kms_v1_DoctorRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sealgate_kms_v1_DoctorResponse>): grpc.ClientUnaryCall;
  Doctor(argument: _sealgate_kms_v1_DoctorRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_sealgate_kms_v1_DoctorResponse>): grpc.ClientUnaryCall;
  Doctor(argument: _sealgate_kms_v1_DoctorRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_sealgate_kms_v1_DoctorResponse>): grpc.ClientUnaryCall;
  Doctor(argument: _sealgate_kms_v1_DoctorRequestInput, callback: grpc.requestCallback<_sealgate_kms_v1_DoctorResponse>): grpc.ClientUnaryCall;
  /**
   * Tries everything that the KMS is needed for, and tells what would mend what fails.
   */
  doctor(argument: _sealgate_kms_v1_DoctorRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sealgate_kms_v1_DoctorResponse>): grpc.ClientUnaryCall;
  doctor(argument: _sealgate_kms_v1_DoctorRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_sealgate_kms_v1_DoctorResponse>): grpc.ClientUnaryCall;
  doctor(argument: _sealgate_kms_v1_DoctorRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_sealgate_kms_v1_DoctorResponse>): grpc.ClientUnaryCall;
  doctor(argument: _sealgate_kms_v1_DoctorRequestInput, callback: grpc.requestCallback<_sealgate_kms_v1_DoctorResponse>): grpc.ClientUnaryCall;
  
  EnableKey(argument: _sealgate_kms_v1_EnableKeyRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sealgate_kms_v1_KeyState>): grpc.ClientUnaryCall;
  EnableKey(argument: _sealgate_kms_v1_EnableKeyRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_sealgate_kms_v1_KeyState>): grpc.ClientUnaryCall;
  EnableKey(argument: _sealgate_kms_v1_EnableKeyRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_sealgate_kms_v1_KeyState>): grpc.ClientUnaryCall;
  EnableKey(argument: _sealgate_kms_v1_EnableKeyRequestInput, callback: grpc.requestCallback<_sealgate_kms_v1_KeyState>): grpc.ClientUnaryCall;
  enableKey(argument: _sealgate_kms_v1_EnableKeyRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sealgate_kms_v1_KeyState>): grpc.ClientUnaryCall;
  enableKey(argument: _sealgate_kms_v1_EnableKeyRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_sealgate_kms_v1_KeyState>): grpc.ClientUnaryCall;
  enableKey(argument: _sealgate_kms_v1_EnableKeyRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_sealgate_kms_v1_KeyState>): grpc.ClientUnaryCall;
  enableKey(argument: _sealgate_kms_v1_EnableKeyRequestInput, callback: grpc.requestCallback<_sealgate_kms_v1_KeyState>): grpc.ClientUnaryCall;
  
  /**
   * Ends all leases and empties the cache: every key is asked of the KMS again.
   */
  FlushCache(argument: _sealgate_kms_v1_FlushCacheRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sealgate_kms_v1_FlushCacheResponse>): grpc.ClientUnaryCall;
  FlushCache(argument: _sealgate_kms_v1_FlushCacheRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_sealgate_kms_v1_FlushCacheResponse>): grpc.ClientUnaryCall;
  FlushCache(argument: _sealgate_kms_v1_FlushCacheRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_sealgate_kms_v1_FlushCacheResponse>): grpc.ClientUnaryCall;
  FlushCache(argument: _sealgate_kms_v1_FlushCacheRequestInput, callback: grpc.requestCallback<_sealgate_kms_v1_FlushCacheResponse>): grpc.ClientUnaryCall;
  /**
   * Ends all leases and empties the cache: every key is asked of the KMS again.
   */
  flushCache(argument: _sealgate_kms_v1_FlushCacheRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sealgate_kms_v1_FlushCacheResponse>): grpc.ClientUnaryCall;
  flushCache(argument: _sealgate_kms_v1_FlushCacheRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_sealgate_kms_v1_FlushCacheResponse>): grpc.ClientUnaryCall;
  flushCache(argument: _sealgate_kms_v1_FlushCacheRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_sealgate_kms_v1_FlushCacheResponse>): grpc.ClientUnaryCall;
  flushCache(argument: _sealgate_kms_v1_FlushCacheRequestInput, callback: grpc.requestCallback<_sealgate_kms_v1_FlushCacheResponse>): grpc.ClientUnaryCall;
  
  /**
   * The keys of the KMS, as far as its policy lets us see them.
   */
  ListKeys(argument: _sealgate_kms_v1_ListKeysRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sealgate_kms_v1_ListKeysResponse>): grpc.ClientUnaryCall;
  ListKeys(argument: _sealgate_kms_v1_ListKeysRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_sealgate_kms_v1_ListKeysResponse>): grpc.ClientUnaryCall;
  ListKeys(argument: _sealgate_kms_v1_ListKeysRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_sealgate_kms_v1_ListKeysResponse>): grpc.ClientUnaryCall;
  ListKeys(argument: _sealgate_kms_v1_ListKeysRequestInput, callback: grpc.requestCallback<_sealgate_kms_v1_ListKeysResponse>): grpc.ClientUnaryCall;
  /**
   * The keys of the KMS, as far as its policy lets us see them.
   */
  listKeys(argument: _sealgate_kms_v1_ListKeysRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sealgate_kms_v1_ListKeysResponse>): grpc.ClientUnaryCall;
  listKeys(argument: _sealgate_kms_v1_ListKeysRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_sealgate_kms_v1_ListKeysResponse>): grpc.ClientUnaryCall;
  listKeys(argument: _sealgate_kms_v1_ListKeysRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_sealgate_kms_v1_ListKeysResponse>): grpc.ClientUnaryCall;
  listKeys(argument: _sealgate_kms_v1_ListKeysRequestInput, callback: grpc.requestCallback<_sealgate_kms_v1_ListKeysResponse>): grpc.ClientUnaryCall;
  
  /**
   * Gives the key a further version, with which new data keys are sealed from then on.
   */
  RotateKey(argument: _sealgate_kms_v1_RotateKeyRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sealgate_kms_v1_KeyDescription>): grpc.ClientUnaryCall;
  RotateKey(argument: _sealgate_kms_v1_RotateKeyRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_sealgate_kms_v1_KeyDescription>): grpc.ClientUnaryCall;
  RotateKey(argument: _sealgate_kms_v1_RotateKeyRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_sealgate_kms_v1_KeyDescription>): grpc.ClientUnaryCall;
  RotateKey(argument: _sealgate_kms_v1_RotateKeyRequestInput, callback: grpc.requestCallback<_sealgate_kms_v1_KeyDescription>): grpc.ClientUnaryCall;
  /**
   * Gives the key a further version, with which new data keys are sealed from then on.
   */
  rotateKey(argument: _sealgate_kms_v1_RotateKeyRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sealgate_kms_v1_KeyDescription>): grpc.ClientUnaryCall;
  rotateKey(argument: _sealgate_kms_v1_RotateKeyRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_sealgate_kms_v1_KeyDescription>): grpc.ClientUnaryCall;
  rotateKey(argument: _sealgate_kms_v1_RotateKeyRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_sealgate_kms_v1_KeyDescription>): grpc.ClientUnaryCall;
  rotateKey(argument: _sealgate_kms_v1_RotateKeyRequestInput, callback: grpc.requestCallback<_sealgate_kms_v1_KeyDescription>): grpc.ClientUnaryCall;
  
}

/**
 * What operators ask: keys of the KMS and what is wrong with it.
 */
export interface AdminHandlers extends grpc.UntypedServiceImplementation {
  /**
   * Makes a key. Fails with FAILED_PRECONDITION where there is one of that name.
   */
  CreateKey: grpc.handleUnaryCall<_sealgate_kms_v1_CreateKeyRequest, _sealgate_kms_v1_KeyDescriptionInput>;
  
  DescribeKey: grpc.handleUnaryCall<_sealgate_kms_v1_DescribeKeyRequest, _sealgate_kms_v1_KeyDescriptionInput>;
  
  /**
   * Stops all use of a key, here and with every holder of a lease, within a second. The KMS is not asked.
   */
  DisableKey: grpc.handleUnaryCall<_sealgate_kms_v1_DisableKeyRequest, _sealgate_kms_v1_KeyStateInput>;
  
  /**
   * Tries everything that the KMS is needed for, and tells what would mend what fails.
   */
  Doctor: grpc.handleUnaryCall<_sealgate_kms_v1_DoctorRequest, _sealgate_kms_v1_DoctorResponseInput>;
  
  EnableKey: grpc.handleUnaryCall<_sealgate_kms_v1_EnableKeyRequest, _sealgate_kms_v1_KeyStateInput>;
  
  /**
   * Ends all leases and empties the cache: every key is asked of the KMS again.
   */
  FlushCache: grpc.handleUnaryCall<_sealgate_kms_v1_FlushCacheRequest, _sealgate_kms_v1_FlushCacheResponseInput>;
  
  /**
   * The keys of the KMS, as far as its policy lets us see them.
   */
  ListKeys: grpc.handleUnaryCall<_sealgate_kms_v1_ListKeysRequest, _sealgate_kms_v1_ListKeysResponseInput>;
  
  /**
   * Gives the key a further version, with which new data keys are sealed from then on.
   */
  RotateKey: grpc.handleUnaryCall<_sealgate_kms_v1_RotateKeyRequest, _sealgate_kms_v1_KeyDescriptionInput>;
  
}

export interface AdminDefinition extends grpc.ServiceDefinition {
  CreateKey: MethodDefinition<_sealgate_kms_v1_CreateKeyRequestInput, _sealgate_kms_v1_KeyDescriptionInput, _sealgate_kms_v1_CreateKeyRequest, _sealgate_kms_v1_KeyDescription>
  DescribeKey: MethodDefinition<_sealgate_kms_v1_DescribeKeyRequestInput, _sealgate_kms_v1_KeyDescriptionInput, _sealgate_kms_v1_DescribeKeyRequest, _sealgate_kms_v1_KeyDescription>
  DisableKey: MethodDefinition<_sealgate_kms_v1_DisableKeyRequestInput, _sealgate_kms_v1_KeyStateInput, _sealgate_kms_v1_DisableKeyRequest, _sealgate_kms_v1_KeyState>
  Doctor: MethodDefinition<_sealgate_kms_v1_DoctorRequestInput, _sealgate_kms_v1_DoctorResponseInput, _sealgate_kms_v1_DoctorRequest, _sealgate_kms_v1_DoctorResponse>
  EnableKey: MethodDefinition<_sealgate_kms_v1_EnableKeyRequestInput, _sealgate_kms_v1_KeyStateInput, _sealgate_kms_v1_EnableKeyRequest, _sealgate_kms_v1_KeyState>
  FlushCache: MethodDefinition<_sealgate_kms_v1_FlushCacheRequestInput, _sealgate_kms_v1_FlushCacheResponseInput, _sealgate_kms_v1_FlushCacheRequest, _sealgate_kms_v1_FlushCacheResponse>
  ListKeys: MethodDefinition<_sealgate_kms_v1_ListKeysRequestInput, _sealgate_kms_v1_ListKeysResponseInput, _sealgate_kms_v1_ListKeysRequest, _sealgate_kms_v1_ListKeysResponse>
  RotateKey: MethodDefinition<_sealgate_kms_v1_RotateKeyRequestInput, _sealgate_kms_v1_KeyDescriptionInput, _sealgate_kms_v1_RotateKeyRequest, _sealgate_kms_v1_KeyDescription>
}
