// IP addresses and networks in text.
import { isIPv4 as nodeIsIpv4, isIPv6 as nodeIsIpv6 } from 'node:net';

export function isIpv4(text: string): boolean {
  return nodeIsIpv4(text);
}

export function isIpv6(text: string): boolean {
  return nodeIsIpv6(text) && !text.includes('%');
}

function isIp(text: string): boolean {
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
