/** What the gateway counts on of every store. */

/** Of every part but the last, bytes (S3 user guide, "multipart upload limits"). */
export const partSizeMin = 5 * 1024 ** 2
/** The last of the store's part numbers (as above). */
export const partNumberMax = 10_000
/** Of an answer that brings neither data nor a list, bytes. */
export const answerSizeMax = 256 * 1024
/** Of a list of 1,000 parts, bytes. */
export const partsSizeMax = 2 * 1024 * 1024
