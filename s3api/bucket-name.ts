/** Whether a bucket may be called that (S3 user guide, "General purpose bucket naming rules"). */
export function isBucketName(name: string): boolean {
  const shaped = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name)
  const addressLike = /^\d{1,3}(\.\d{1,3}){3}$/.test(name)
  return shaped && !addressLike && !/\.\.|\.-|-\./.test(name)
}
