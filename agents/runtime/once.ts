/** The same work asked for twice at a time is done once. */
export function createOnce(): (key: string, work: () => Promise<void>) => Promise<void> {
  const running = new Map<string, Promise<void>>();
  return (key, work) => {
    const now = running.get(key) ?? work().finally(() => running.delete(key));
    running.set(key, now);
    return now;
  };
}
