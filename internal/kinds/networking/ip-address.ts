// IP addresses and networks in text.
import { isIPv4 as nodeIsIpv4, isIPv6 as nodeIsIpv6 } from 'node:net';

export function isIpv4(text: string): boolean {
  return nodeIsIpv4(text);
}

export function isIpv6(text: string): boolean {
  return nodeIsIpv6(text) && !text.includes('%');
}

export function isIp(text: string): boolean {
  return isIpv4(text) || isIpv6(text);
}

/** `10.0.0.0/8`, `2001:db8::/64`. */
function isCidr(text: string): boolean {
  const [address = '', bits = '', ...more] = text.split('/');
  if (more.length > 0 || !/^(0|[1-9]\d{0,2})$/.test(bits)) return false;
  return (isIpv4(address) && Number(bits) <= 32) || (isIpv6(address) && Number(bits) <= 128);
}

/** In upstream's words, [] when fine. */
export function ipProblems(text: string): string[] {
  return isIp(text) ? [] : ['must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'];
}

export function cidrProblems(text: string): string[] {
  return isCidr(text) ? [] : ['must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)'];
}

/** Where no endpoint may be. */
export function endpointIpProblems(ip: string): string[] {
  if (ip === '0.0.0.0' || ip === '::') return [`may not be unspecified (${ip})`];
  if (ip.startsWith('127.') || ip === '::1') return ['may not be in the loopback range (127.0.0.0/8, ::1/128)'];
  if (ip.startsWith('169.254.') || /^fe[89ab][0-9a-f]:/i.test(ip)) return ['may not be in the link-local range (169.254.0.0/16, fe80::/10)'];
  return ip.startsWith('224.0.0.') || ip.toLowerCase().startsWith('ff02:') ? ['may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)'] : [];
}

/** For fields of today: no mapped addresses, no bits beyond the prefix, one way of writing. */
export function strictCidrProblems(text: string): string[] {
  const problems = networkProblems(text);
  if (problems.length > 0) return problems;
  const [address = '', bits = ''] = text.split('/');
  const canonical = `${canonicalIp(address)}/${bits}`;
  return canonical === text ? [] : [`must be in canonical form (${JSON.stringify(canonical)})`];
}

/** For older fields: no mapped addresses and no bits beyond the prefix. */
export function networkProblems(text: string): string[] {
  const problems = cidrProblems(text);
  if (problems.length > 0) return problems;
  const [address = '', bits = ''] = text.split('/');
  const value = addressBits(address);
  const hostBits = BigInt((isIpv4(address) ? IPV4_BITS : IPV6_BITS) - Number(bits));
  if (!isIpv4(address) && value >> 32n === 0xffffn) return ['must not have an IPv4-mapped IPv6 address'];
  return (value & ((1n << hostBits) - 1n)) === 0n ? [] : ['must not have bits set beyond the prefix length'];
}

/** Whether the second network is in the first, and smaller. Both are CIDRs. */
export function isStrictSubset(outer: string, inner: string): boolean {
  const [[address = '', bits = ''], [innerAddress = '', innerBits = '']] = [outer.split('/'), inner.split('/')];
  if (isIpv4(address) !== isIpv4(innerAddress) || Number(bits) >= Number(innerBits)) return false;
  const hostBits = BigInt((isIpv4(address) ? IPV4_BITS : IPV6_BITS) - Number(bits));
  return addressBits(address) >> hostBits === addressBits(innerAddress) >> hostBits;
}

/** Whether the network gives this address out: not its own address nor, of IPv4, the last one. */
export function networkGives(network: string, ip: string): boolean {
  const [address = '', bits = ''] = network.split('/');
  if (isIpv4(address) !== isIpv4(ip)) return false;
  const hostBits = BigInt((isIpv4(ip) ? IPV4_BITS : IPV6_BITS) - Number(bits));
  const [base, value, last] = [addressBits(address), addressBits(ip), (1n << hostBits) - 1n];
  return base >> hostBits === value >> hostBits && (value & last) !== 0n && (!isIpv4(ip) || (value & last) !== last);
}

export function canonicalIp(address: string): string {
  return isIpv4(address) ? address : new URL(`http://[${address}]`).hostname.slice(1, -1);
}

const IPV4_BITS = 32;
const IPV6_BITS = 128;

function addressBits(address: string): bigint {
  if (isIpv4(address)) return address.split('.').reduce((sum, part) => (sum << 8n) + BigInt(part), 0n);
  const [head = '', tail] = canonicalIp(address).split('::');
  const [first, last] = [head, tail ?? ''].map((part) => (part === '' ? [] : part.split(':')));
  const words = tail === undefined ? (first ?? []) : [...(first ?? []), ...Array.from({ length: 8 - (first ?? []).length - (last ?? []).length }, () => '0'), ...(last ?? [])];
  return words.reduce((sum, word) => (sum << 16n) + BigInt(`0x${word}`), 0n);
}

/** Of addresses in fields that take more than one way of writing. */
export function ipWarnings(ip: string, path: string): string[] {
  if (!isIpv6(ip)) return [];
  const value = addressBits(ip);
  if (value >> 32n === 0xffffn) return [`${path}: non-standard IP address ${JSON.stringify(ip)} is invalid: use ${JSON.stringify(dotted(value & 0xffffffffn))}`];
  const canonical = canonicalIp(ip);
  return canonical === ip ? [] : [`${path}: IPv6 address ${JSON.stringify(ip)} should be in RFC 5952 canonical format (${JSON.stringify(canonical)})`];
}

export function networkWarnings(network: string, path: string): string[] {
  if (!isCidr(network)) return [];
  const [address = '', bits = ''] = network.split('/');
  const width = isIpv4(address) ? IPV4_BITS : IPV6_BITS;
  const hostMask = (1n << BigInt(width - Number(bits))) - 1n;
  const value = addressBits(address);
  const base = `${isIpv4(address) ? dotted(value & ~hostMask) : canonicalIp(address)}/${bits}`;
  if ((value & hostMask) !== 0n) return [`${path}: CIDR value ${JSON.stringify(network)} is ambiguous in this context (should be ${JSON.stringify(base)} or "${canonicalIp(address)}/${String(width)}"?)`];
  const canonical = `${canonicalIp(address)}/${bits}`;
  return isIpv6(address) && canonical !== network ? [`${path}: IPv6 CIDR value ${JSON.stringify(network)} should be in RFC 5952 canonical format (${JSON.stringify(canonical)})`] : [];
}

function dotted(value: bigint): string {
  return [24n, 16n, 8n, 0n].map((shift) => String((value >> shift) & 0xffn)).join('.');
}
