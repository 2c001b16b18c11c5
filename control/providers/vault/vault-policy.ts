/** HCL for policies, as it is pasted into one. */

export function grant(path: string, capabilities: readonly string[]): string {
  return `path "${path}" {\n  capabilities = [${capabilities.map((name) => `"${name}"`).join(', ')}]\n}`
}

/** The paths without which nothing is encrypted or decrypted: the quickstart's, with what of them is used. */
export function neededPaths(transitMount: string, keyName: string): readonly string[] {
  return ['datakey/plaintext', 'decrypt', 'encrypt'].map(
    (operation) => `${transitMount}/${operation}/${keyName}`,
  )
}
