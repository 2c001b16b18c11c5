/** What Vault allows at the beginning of a transit key's name, and MinIO's ids of master keys mostly have. */
const keyIdPattern = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/

/** The pattern in words, for who has given something else. */
export const keyIdRule =
  "up to 128 letters of ASCII, digits, '.', '_' and '-', of which '.' and '-' cannot be the first"

/** Whether the text can be the id of a master key: it becomes a part of paths, policies and headers as it is. */
export function isKeyId(text: string): boolean {
  return keyIdPattern.test(text)
}
