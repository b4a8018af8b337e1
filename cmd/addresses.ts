// Addresses and ports out of settings, for the wiring.

/** The first usable address of a network: `10.43.0.0/16` → `10.43.0.1`. */
export function firstAddress(cidr: string): string {
  const [base = ''] = cidr.split('/');
  const number = base.split('.').reduce((sum, part) => sum * 256 + Number(part), 0) + 1;
  return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join('.');
}

/** `30000-32767` → its ends. */
export function portRange(text: string): { first: number; last: number } {
  const [first = 0, last = 0] = text.split('-').map(Number);
  return { first, last };
}
