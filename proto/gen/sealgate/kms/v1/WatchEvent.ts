// Original file: proto/kms.proto

import type { Long } from '@grpc/proto-loader';

/**
 * The whole state each time, so that a holder that missed an event loses nothing.
 */
export interface WatchEventInput {
  /**
   * Of this run of the service.
   */
  'instanceId'?: (string);
  /**
   * As LeaseDataKey would say it.
   */
  'keysReused'?: (boolean);
  /**
   * Keys that an operator has disabled: nothing is sealed or opened with them until they are not listed any more.
   */
  'disabledKeyIds'?: (string)[];
  /**
   * Keys whose leases end now, since this event; they can be asked for again.
   */
  'droppedKeyIds'?: (string)[];
  /**
   * All leases end now.
   */
  'allDropped'?: (boolean);
  /**
   * How many drops there were so far. Who has missed one ends all leases of this instance.
   */
  'drops'?: (number | string | Long);
}

/**
 * The whole state each time, so that a holder that missed an event loses nothing.
 */
export interface WatchEvent {
  /**
   * Of this run of the service.
   */
  'instanceId': (string);
  /**
   * As LeaseDataKey would say it.
   */
  'keysReused': (boolean);
  /**
   * Keys that an operator has disabled: nothing is sealed or opened with them until they are not listed any more.
   */
  'disabledKeyIds': (string)[];
  /**
   * Keys whose leases end now, since this event; they can be asked for again.
   */
  'droppedKeyIds': (string)[];
  /**
   * All leases end now.
   */
  'allDropped': (boolean);
  /**
   * How many drops there were so far. Who has missed one ends all leases of this instance.
   */
  'drops': (number);
}
