// Original file: proto/kms.proto


export interface DoctorRequestInput {
}

export interface DoctorRequest {
}
