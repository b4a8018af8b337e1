// IPv4 addresses and networks as numbers.

export function numberOf(address: string): number | undefined {
  const parts = address.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) < 256)) return undefined;
  return parts.reduce((number, part) => number * 256 + Number(part), 0);
}

export function textOf(address: number): string {
  return [24, 16, 8, 0].map((shift) => String(Math.floor(address / 2 ** shift) % 256)).join('.');
}

/** How many addresses a network has. */
export function sizeOf(network: string): number {
  return 2 ** (32 - Number(network.split('/')[1] ?? ''));
}
