// Original file: proto/kms.proto

import type { Long } from '@grpc/proto-loader';

export interface KeyCacheStatusInput {
  /**
   * Data keys of running epochs, and opened ones.
   */
  'epochs'?: (number | string | Long);
  'openedKeys'?: (number | string | Long);
  'hits'?: (number | string | Long);
  'misses'?: (number | string | Long);
  /**
   * Answers from beyond a key's age, while the KMS was away.
   */
  'staleAnswers'?: (number | string | Long);
  /**
   * Since when the KMS has not answered, milliseconds since 1970; 0 while it does.
   */
  'offlineSinceMs'?: (number | string);
  /**
   * What is left of the time for which keys are still opened without the KMS.
   */
  'offlineGraceRemainingMs'?: (number | string);
  /**
   * Holders of leases that are connected.
   */
  'watchers'?: (number | string | Long);
}

export interface KeyCacheStatus {
  /**
   * Data keys of running epochs, and opened ones.
   */
  'epochs': (number);
  'openedKeys': (number);
  'hits': (number);
  'misses': (number);
  /**
   * Answers from beyond a key's age, while the KMS was away.
   */
  'staleAnswers': (number);
  /**
   * Since when the KMS has not answered, milliseconds since 1970; 0 while it does.
   */
  'offlineSinceMs': (number);
  /**
   * What is left of the time for which keys are still opened without the KMS.
   */
  'offlineGraceRemainingMs': (number);
  /**
   * Holders of leases that are connected.
   */
  'watchers': (number);
}
