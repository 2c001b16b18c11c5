/**
 * When what was written is on the disk. `always`: before a write is answered. `never`: when the system gets to it; a process
 * that dies loses nothing then, but a power failure may lose, or leave without their data, the objects of the last seconds.
 */
export const fsyncPolicies = ['always', 'never'] as const
export type FsyncPolicy = (typeof fsyncPolicies)[number]
