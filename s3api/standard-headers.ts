/** The headers that stay with an object (Amazon S3 API reference, PutObject), by lower-case name. */

/** What is said of the content. */
export const contentHeaders = [
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-type',
  'expires',
] as const

export const standardHeaders = [...contentHeaders, 'x-amz-website-redirect-location'] as const

/** Before the names of user metadata. */
export const metadataPrefix = 'x-amz-meta-'
