// Original file: proto/kms.proto


export interface KeyStateInput {
  'keyId'?: (string);
  'disabled'?: (boolean);
  /**
   * Whether it will be so after a restart of the service.
   */
  'persistent'?: (boolean);
}

export interface KeyState {
  'keyId': (string);
  'disabled': (boolean);
  /**
   * Whether it will be so after a restart of the service.
   */
  'persistent': (boolean);
}
