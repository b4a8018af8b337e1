// IP addresses as bytes and as the names that PTR questions have.
import { isIPv4, isIPv6 } from 'node:net';

/** 4 or 16 bytes; undefined where the text is no address. */
export function addressBytes(address: string): Buffer | undefined {
  if (isIPv4(address)) return Buffer.from(address.split('.').map(Number));
  if (!isIPv6(address) || address.includes('%')) return undefined;
  // The last 32 bits may be written as an IPv4 address.
  const text = address.replace(/[\d.]+\.\d+$/, (v4) => (v4.includes('.') ? Buffer.from(v4.split('.').map(Number)).toString('hex').replace(/^(.{4})/, '$1:') : v4));
  const [head = [], tail] = text.split('::').map((part) => (part === '' ? [] : part.split(':')));
  const groups = tail === undefined ? head : [...head, ...Array.from({ length: 8 - head.length - tail.length }, () => '0'), ...tail];
  return Buffer.from(groups.map((group) => group.padStart(4, '0')).join(''), 'hex');
}

/** One text per address, however it was written. */
export function addressKey(address: string): string {
  return addressBytes(address)?.toString('hex') ?? '';
}

/** The address (as its key) that `4.3.2.1.in-addr.arpa` or the like asks for. */
export function reverseKey(labels: readonly string[]): string | undefined {
  const [zone, arpa] = labels.slice(-2);
  if (arpa !== 'arpa') return undefined;
  const parts = labels.slice(0, -2).reverse();
  if (zone === 'in-addr' && isIPv4(parts.join('.'))) return addressKey(parts.join('.'));
  if (zone === 'ip6' && parts.length === 32 && parts.every((part) => /^[0-9a-f]$/.test(part))) return parts.join('');
  return undefined;
}

/** The address in a pod's name: `1-2-3-4`, or `2001-db8--1`. */
export function dashedAddress(label: string): string | undefined {
  return [label.replaceAll('-', '.'), label.replaceAll('-', ':')].find((text) => isIPv4(text) || isIPv6(text));
}
