// Original file: proto/kms.proto

import type { KeyCacheStatusInput as _sealgate_kms_v1_KeyCacheStatusInput, KeyCacheStatus as _sealgate_kms_v1_KeyCacheStatus } from '../../../sealgate/kms/v1/KeyCacheStatus.ts';
import type { Long } from '@grpc/proto-loader';

export interface StatusResponseInput {
  /**
   * "vault" or "master-key".
   */
  'provider'?: (string);
  'defaultKeyId'?: (string);
  /**
   * True when a data key could be generated now, as far as the session tells.
   */
  'ready'?: (boolean);
  /**
   * The session's state: "logged-out", "ready", "renewing", "degraded", "expired", "locked"; "none" for a provider
   * without one.
   */
  'session'?: (string);
  /**
   * Why it is in that state, safe to print; empty when ready.
   */
  'reason'?: (string);
  /**
   * Milliseconds since 1970; 0 where it never happened or does not apply.
   */
  'tokenExpiresAtMs'?: (number | string);
  'lastLoginAtMs'?: (number | string);
  'lastRenewalAtMs'?: (number | string);
  'startedAtMs'?: (number | string);
  'version'?: (string);
  'logins'?: (number | string | Long);
  'renewals'?: (number | string | Long);
  /**
   * Since when the session has been in its state; ready and renewing alternate and count as one.
   */
  'sessionSinceMs'?: (number | string);
  /**
   * When the next renewal or login is due.
   */
  'nextActionAtMs'?: (number | string);
  /**
   * What failed last, safe to print, and when; kept after it has been mended.
   */
  'lastError'?: (string);
  'lastErrorAtMs'?: (number | string);
  'loginFailures'?: (number | string | Long);
  'renewalFailures'?: (number | string | Long);
  /**
   * No further login is tried: the KMS refused the credentials too often. An operator has to act.
   */
  'loginsHalted'?: (boolean);
  /**
   * The last granted lease of the token, in seconds; 0 for one without an end.
   */
  'leaseSeconds'?: (number | string);
  /**
   * Whether calls reach the KMS: "closed" (they do), "open" (they fail at once, to be tried again later), "probing".
   */
  'circuit'?: (string);
  /**
   * Since when, and until when it is open at least.
   */
  'circuitSinceMs'?: (number | string);
  'circuitRetryAtMs'?: (number | string);
  /**
   * Where the KMS is: a URL without credentials; empty for a provider that asks nobody.
   */
  'endpoint'?: (string);
  'disabledKeyIds'?: (string)[];
  'cache'?: (_sealgate_kms_v1_KeyCacheStatusInput | null);
  /**
   * "none" where none is configured, "written", or why it cannot be written.
   */
  'audit'?: (string);
}

export interface StatusResponse {
  /**
   * "vault" or "master-key".
   */
  'provider': (string);
  'defaultKeyId': (string);
  /**
   * True when a data key could be generated now, as far as the session tells.
   */
  'ready': (boolean);
  /**
   * The session's state: "logged-out", "ready", "renewing", "degraded", "expired", "locked"; "none" for a provider
   * without one.
   */
  'session': (string);
  /**
   * Why it is in that state, safe to print; empty when ready.
   */
  'reason': (string);
  /**
   * Milliseconds since 1970; 0 where it never happened or does not apply.
   */
  'tokenExpiresAtMs': (number);
  'lastLoginAtMs': (number);
  'lastRenewalAtMs': (number);
  'startedAtMs': (number);
  'version': (string);
  'logins': (number);
  'renewals': (number);
  /**
   * Since when the session has been in its state; ready and renewing alternate and count as one.
   */
  'sessionSinceMs': (number);
  /**
   * When the next renewal or login is due.
   */
  'nextActionAtMs': (number);
  /**
   * What failed last, safe to print, and when; kept after it has been mended.
   */
  'lastError': (string);
  'lastErrorAtMs': (number);
  'loginFailures': (number);
  'renewalFailures': (number);
  /**
   * No further login is tried: the KMS refused the credentials too often. An operator has to act.
   */
  'loginsHalted': (boolean);
  /**
   * The last granted lease of the token, in seconds; 0 for one without an end.
   */
  'leaseSeconds': (number);
  /**
   * Whether calls reach the KMS: "closed" (they do), "open" (they fail at once, to be tried again later), "probing".
   */
  'circuit': (string);
  /**
   * Since when, and until when it is open at least.
   */
  'circuitSinceMs': (number);
  'circuitRetryAtMs': (number);
  /**
   * Where the KMS is: a URL without credentials; empty for a provider that asks nobody.
   */
  'endpoint': (string);
  'disabledKeyIds': (string)[];
  'cache': (_sealgate_kms_v1_KeyCacheStatus | null);
  /**
   * "none" where none is configured, "written", or why it cannot be written.
   */
  'audit': (string);
}
