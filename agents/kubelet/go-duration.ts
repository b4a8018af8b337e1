// Durations as Go prints them (`10s`, `1m20s`, `2m40s`, `1.5s`, `212ms`): messages in status and events carry them.

export function formatGoDuration(ms: number): string {
  if (ms === 0) return '0s';
  if (ms < 1000) return `${String(ms)}ms`;
  const hours = Math.floor(ms / 3_600_000);
  const minutes = Math.floor(ms / 60_000) % 60;
  const seconds = Number(((ms % 60_000) / 1000).toFixed(3));
  return `${hours > 0 ? `${String(hours)}h` : ''}${hours > 0 || minutes > 0 ? `${String(minutes)}m` : ''}${String(seconds)}s`;
}
