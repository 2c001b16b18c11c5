// Original file: proto/kms.proto


export interface WatchRequestInput {
}

export interface WatchRequest {
}
