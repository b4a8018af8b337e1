// Bytes as quantities in messages: the largest binary unit that divides them, else Ki.

const UNITS = ['', 'Ki', 'Mi', 'Gi', 'Ti'] as const;

export function formatQuantityBytes(bytes: number): string {
  let value = bytes < 1024 ? bytes : Math.floor(bytes / 1024) * 1024;
  let unit = 0;
  while (value !== 0 && value % 1024 === 0 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${String(value)}${UNITS[unit] ?? ''}`;
}
