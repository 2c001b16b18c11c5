import type { Policy } from './policy.ts'

/**
 * Whether a bucket policy makes the bucket public: allows anything to everybody, unless a condition keeps it to known
 * addresses or principals. Source: S3 user guide, "Blocking public access to your Amazon S3 storage", The meaning of "public".
 */
export function isPublicPolicy({ statements }: Policy): boolean {
  return statements.some(
    ({ effect, principals, conditions }) =>
      effect === 'Allow' && principals.everybody && !conditions.some(({ restricts }) => restricts),
  )
}
