// Original file: proto/kms.proto


export interface ListKeysRequestInput {
}

export interface ListKeysRequest {
}
