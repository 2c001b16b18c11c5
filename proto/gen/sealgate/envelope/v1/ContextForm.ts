// Original file: proto/envelope.proto

export const ContextForm = {
  /**
   * SSE-C: there is no KMS context.
   */
  CONTEXT_NONE: 'CONTEXT_NONE',
  /**
   * {"<bucket>": "<bucket>/<key>"}
   */
  CONTEXT_OBJECT: 'CONTEXT_OBJECT',
  /**
   * {"<bucket>": "<bucket>"}
   */
  CONTEXT_BUCKET: 'CONTEXT_BUCKET',
} as const;

export type ContextFormInput =
  /**
   * SSE-C: there is no KMS context.
   */
  | 'CONTEXT_NONE'
  | 0
  /**
   * {"<bucket>": "<bucket>/<key>"}
   */
  | 'CONTEXT_OBJECT'
  | 1
  /**
   * {"<bucket>": "<bucket>"}
   */
  | 'CONTEXT_BUCKET'
  | 2

export type ContextForm = typeof ContextForm[keyof typeof ContextForm]
