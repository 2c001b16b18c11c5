/**
 * Freed memory stays with the process, and large blocks come from the heap: bodies make and drop buffers all the time, and
 * glibc would give each back to the kernel (mallopt(3)).
 */
export const allocatorVariables = {
  MALLOC_TRIM_THRESHOLD_: String(128 * 1024 * 1024),
  MALLOC_TOP_PAD_: String(16 * 1024 * 1024),
  MALLOC_MMAP_THRESHOLD_: String(1024 * 1024 * 1024),
}
