// Original file: proto/kms.proto


export interface FlushCacheRequestInput {
}

export interface FlushCacheRequest {
}
