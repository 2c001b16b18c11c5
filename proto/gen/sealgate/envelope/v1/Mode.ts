// Original file: proto/envelope.proto

export const Mode = {
  MODE_UNSPECIFIED: 'MODE_UNSPECIFIED',
  SSE_S3: 'SSE_S3',
  SSE_KMS: 'SSE_KMS',
  SSE_C: 'SSE_C',
} as const;

export type ModeInput =
  | 'MODE_UNSPECIFIED'
  | 0
  | 'SSE_S3'
  | 1
  | 'SSE_KMS'
  | 2
  | 'SSE_C'
  | 3

export type Mode = typeof Mode[keyof typeof Mode]
