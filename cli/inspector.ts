/** Node opens a debugger on SIGUSR1, through which keys could be read; a handler keeps it shut. */
export function refuseInspector(): void {
  process.on('SIGUSR1', () => {})
}
