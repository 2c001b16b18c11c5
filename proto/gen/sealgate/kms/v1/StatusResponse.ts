// Original file: proto/kms.proto

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
   * The session's state: "logged-out", "ready", "renewing", "degraded", "expired"; "none" for a provider without one.
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
   * The session's state: "logged-out", "ready", "renewing", "degraded", "expired"; "none" for a provider without one.
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
}
