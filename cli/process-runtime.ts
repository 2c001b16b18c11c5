/** With what the processes of a server are started: environment and options of Node that their work asks for. */

/**
 * What glibc is told. Freed memory stays with the process, and large blocks come from the heap: bodies make and drop buffers all
 * the time, and it would give each back to the kernel (mallopt(3)). Blocks of 64 KiB are copied with vector instructions:
 * on AMD's Zen 3, `rep movsb` takes many times as long for a target that is not aligned to 16 bytes
 * (https://sourceware.org/bugzilla/show_bug.cgi?id=30994).
 */
export const libcVariables = {
  GLIBC_TUNABLES: 'glibc.cpu.x86_rep_movsb_threshold=16777216',
  MALLOC_TRIM_THRESHOLD_: String(128 * 1024 * 1024),
  MALLOC_TOP_PAD_: String(16 * 1024 * 1024),
  MALLOC_MMAP_THRESHOLD_: String(1024 * 1024 * 1024),
}

export const frontEndEnvironment = {
  ...libcVariables,
  // Several processes wait for the same socket's connections: each takes one at a time, so that all get some (libuv).
  UV_TCP_SINGLE_ACCEPT: '1',
}

/**
 * Bodies make garbage at the rate of the network, but little of it lives: a collection has next to nothing to do, and waits
 * for helper threads that the engine's threads keep from the processors. V8 counts buffers that are garbage already towards
 * the size at which it marks the whole heap: beside a heap of 25 MB they reach it again and again, and a front-end under load
 * did little else. It may grow to five times what it was after the last marking. docs/performance.md has the figures.
 */
export const frontEndNodeOptions: readonly string[] = ['--single-threaded-gc', '--heap-growing-percent=400']

/**
 * Every key operation is an HTTP/2 stream, and Node keeps what belongs to one until the next full collection: a collection of
 * the young copies a third of it, with a standstill of 7 ms where it may grow to 16 MiB, 0.8 ms with 2 MiB. docs/performance.md
 * has the figures.
 */
export const controlNodeOptions: readonly string[] = ['--single-threaded-gc', '--max-semi-space-size=2']
