// Original file: proto/kms.proto


export interface KeyDescriptionInput {
  'keyId'?: (string);
  /**
   * The KMS's own name of what it is, for example "aes256-gcm96".
   */
  'type'?: (string);
  /**
   * Whether the KMS itself binds data keys to their encryption context.
   */
  'contextBound'?: (boolean);
  /**
   * Versions count from 1; 0 where the KMS has none or does not tell.
   */
  'latestVersion'?: (number);
  'minDecryptionVersion'?: (number);
  'minEncryptionVersion'?: (number);
  /**
   * Milliseconds since 1970, of the latest version; 0 where unknown.
   */
  'latestVersionAtMs'?: (number | string);
  'deletionAllowed'?: (boolean);
  'exportable'?: (boolean);
  /**
   * Whether it is the one that is used where a request names none.
   */
  'default'?: (boolean);
}

export interface KeyDescription {
  'keyId': (string);
  /**
   * The KMS's own name of what it is, for example "aes256-gcm96".
   */
  'type': (string);
  /**
   * Whether the KMS itself binds data keys to their encryption context.
   */
  'contextBound': (boolean);
  /**
   * Versions count from 1; 0 where the KMS has none or does not tell.
   */
  'latestVersion': (number);
  'minDecryptionVersion': (number);
  'minEncryptionVersion': (number);
  /**
   * Milliseconds since 1970, of the latest version; 0 where unknown.
   */
  'latestVersionAtMs': (number);
  'deletionAllowed': (boolean);
  'exportable': (boolean);
  /**
   * Whether it is the one that is used where a request names none.
   */
  'default': (boolean);
}
