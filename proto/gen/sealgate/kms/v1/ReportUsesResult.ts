// Original file: proto/kms.proto


export interface ReportUsesResultInput {
  /**
   * A code of control/errors.ts; empty for one that was taken.
   */
  'error'?: (string);
}

export interface ReportUsesResult {
  /**
   * A code of control/errors.ts; empty for one that was taken.
   */
  'error': (string);
}
