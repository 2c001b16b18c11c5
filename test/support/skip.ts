/** What this run could not try, with what to install for it; the runner prints and counts it. */
export const skips: string[] = []

/** Notes that something is not tried here, for example `skip('vault contract: install "bao" or set VAULT_BIN')`. */
export function skip(reason: string): void {
  skips.push(reason)
}
