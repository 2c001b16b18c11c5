/** Rules of one policy: path pattern to capabilities. */
export type Policy = ReadonlyMap<string, readonly string[]>

/** What every token may do, in short: look at itself, prolong and end itself. */
export const defaultPolicy: Policy = new Map([
  ['auth/token/lookup-self', ['read']],
  ['auth/token/renew-self', ['update']],
  ['auth/token/revoke-self', ['update']],
  ['sys/capabilities-self', ['update']],
])

/** Reads the HCL that the quickstart writes: path blocks with a list of capabilities. Undefined where it is not that. */
export function parsePolicy(hcl: string): Policy | undefined {
  const rules = new Map<string, string[]>()
  const block = /path\s+"([^"]+)"\s*\{\s*capabilities\s*=\s*\[([^\]]*)\]\s*\}/g
  for (const [, path = '', list = ''] of hcl.matchAll(block)) {
    rules.set(
      path,
      [...list.matchAll(/"([a-z]+)"/g)].map(([, name = '']) => name),
    )
  }
  const rest = hcl.replace(block, '').replace(/^\s*#.*$/gm, '')
  return rest.trim() === '' ? rules : undefined
}

/** The union of what the policies grant on the path, of each the most specific rule; `deny` beats all. */
export function capabilitiesOn(path: string, policies: readonly Policy[]): string[] {
  const granted = new Set(policies.flatMap((policy) => mostSpecific(path, policy)))
  if (granted.has('deny') || granted.size === 0) return ['deny']
  return [...granted].sort()
}

function mostSpecific(path: string, policy: Policy): readonly string[] {
  let best = ''
  for (const pattern of policy.keys()) {
    if (matches(path, pattern) && pattern.length >= best.length) best = pattern
  }
  return policy.get(best) ?? []
}

/** `*` at the end stands for anything, `+` for one segment. */
function matches(path: string, pattern: string): boolean {
  const glob = pattern.endsWith('*')
  const source = (glob ? pattern.slice(0, -1) : pattern)
    .replace(/[.*?^${}()|[\]\\]/g, '\\$&')
    .replaceAll('+', '[^/]+')
  return new RegExp(`^${source}${glob ? '' : '$'}`).test(path)
}
