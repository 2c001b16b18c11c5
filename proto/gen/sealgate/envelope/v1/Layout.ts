// Original file: proto/envelope.proto

export const Layout = {
  LAYOUT_UNSPECIFIED: 'LAYOUT_UNSPECIFIED',
  /**
   * One DARE 2.0 stream under the object key.
   */
  SINGLE: 'SINGLE',
  /**
   * One DARE 2.0 stream a part, under part keys, in the table's order.
   */
  PARTS: 'PARTS',
} as const;

export type LayoutInput =
  | 'LAYOUT_UNSPECIFIED'
  | 0
  /**
   * One DARE 2.0 stream under the object key.
   */
  | 'SINGLE'
  | 1
  /**
   * One DARE 2.0 stream a part, under part keys, in the table's order.
   */
  | 'PARTS'
  | 2

export type Layout = typeof Layout[keyof typeof Layout]
