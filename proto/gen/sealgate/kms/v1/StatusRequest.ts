// Original file: proto/kms.proto


export interface StatusRequestInput {
}

export interface StatusRequest {
}
