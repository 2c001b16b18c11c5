// Original file: proto/kms.proto


export interface DoctorCheckInput {
  /**
   * What was looked at, for example "tls".
   */
  'name'?: (string);
  /**
   * "ok", "warning", "failed", "skipped".
   */
  'result'?: (string);
  /**
   * What was found, safe to print.
   */
  'detail'?: (string);
  /**
   * The commands or settings that mend it; empty where nothing is to be mended.
   */
  'remedy'?: (string);
}

export interface DoctorCheck {
  /**
   * What was looked at, for example "tls".
   */
  'name': (string);
  /**
   * "ok", "warning", "failed", "skipped".
   */
  'result': (string);
  /**
   * What was found, safe to print.
   */
  'detail': (string);
  /**
   * The commands or settings that mend it; empty where nothing is to be mended.
   */
  'remedy': (string);
}
