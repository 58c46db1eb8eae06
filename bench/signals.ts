/** For programs that are run by hand: a signal ends them by `exit`, whose listeners end what they started. */
export function exitOnSignal(): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(130));
}
