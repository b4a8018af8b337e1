// When a busy process has become quiet, parts let go of what they keep only to be quick: cmd/idle-memory.ts says when.

const releases = new Set<() => void>();

/** `release` is called each time the process has become quiet; it must be cheap, and what it lets go must come back by itself. Gives what ends that. */
export function onQuiet(release: () => void): () => void {
  releases.add(release);
  return () => void releases.delete(release);
}

export function becomeQuiet(): void {
  for (const release of releases) release();
}
