/** Hashes that a stream can be run through in the same pass as sealing. */
export const hashNames = ['md5', 'sha1', 'sha256', 'crc32', 'crc32c', 'crc64nvme'] as const
export type HashName = (typeof hashNames)[number]
