// The end of a process that serves: SIGTERM, or Ctrl-C.

/** Resolves with the signal's name. From the call on the process is not ended by it. */
export function terminationSignal(): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => resolve(signal));
  });
}
