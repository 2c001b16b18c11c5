// Original file: proto/kms.proto


export interface DataKeyInput {
  /**
   * The master key that sealed it: the default key's id where the request named none.
   */
  'keyId'?: (string);
  /**
   * 32 bytes. Zero it when done.
   */
  'plaintext'?: (Buffer | Uint8Array | string);
  /**
   * The KMS's own ciphertext, opaque, at most 4 KiB.
   */
  'sealed'?: (Buffer | Uint8Array | string);
}

export interface DataKey {
  /**
   * The master key that sealed it: the default key's id where the request named none.
   */
  'keyId': (string);
  /**
   * 32 bytes. Zero it when done.
   */
  'plaintext': (Buffer);
  /**
   * The KMS's own ciphertext, opaque, at most 4 KiB.
   */
  'sealed': (Buffer);
}
