// IP addresses and CIDRs as Go's net/netip reads them, without zones and without IPv4 in IPv6.
import { EvaluationError } from '../cel-error.ts';
import type { Definition } from '../function.ts';
import { OpaqueValue, type Value } from '../value.ts';

const IP = 'net.IP';
const CIDR = 'net.CIDR';

class IpValue extends OpaqueValue {
  readonly typeName = IP;
  readonly bits: bigint;
  readonly version: 4 | 6;

  constructor(bits: bigint, version: 4 | 6) {
    super();
    this.bits = bits;
    this.version = version;
  }

  get size(): number {
    return this.version === 4 ? 4 : 16;
  }

  get length(): number {
    return this.version === 4 ? 32 : 128;
  }

  equals(other: Value): boolean {
    return other instanceof IpValue && other.bits === this.bits && other.version === this.version;
  }
}

class CidrValue extends OpaqueValue {
  readonly typeName = CIDR;
  readonly ip: IpValue;
  readonly prefix: number;

  constructor(ip: IpValue, prefix: number) {
    super();
    this.ip = ip;
    this.prefix = prefix;
  }

  get size(): number {
    return Math.ceil(this.prefix / 8);
  }

  equals(other: Value): boolean {
    return other instanceof CidrValue && other.prefix === this.prefix && other.ip.equals(this.ip);
  }
}

export function networkLibrary(): Definition[] {
  return [
    ['ip', 'string_to_ip', `(string) ${IP}`, parseIp], ['ip', 'cidr_ip', `${CIDR}.() ${IP}`, ({ ip }: CidrValue) => ip],
    ['isIP', 'is_ip', '(string) bool', (text: string) => ipProblem(text) === undefined],
    ['ip.isCanonical', 'ip_is_canonical', '(string) bool', (text: string) => formatIp(parseIp(text)) === text],
    ['string', 'ip_to_string', `(${IP}) string`, formatIp], ['string', 'cidr_to_string', `(${CIDR}) string`, ({ ip, prefix }: CidrValue) => `${formatIp(ip)}/${String(prefix)}`],
    ['family', 'ip_family', `${IP}.() int`, ({ version }: IpValue) => version],
    ['isUnspecified', 'ip_is_unspecified', `${IP}.() bool`, ({ bits }: IpValue) => bits === 0n],
    ['isLoopback', 'ip_is_loopback', `${IP}.() bool`, isLoopback],
    ['isLinkLocalMulticast', 'ip_is_link_local_multicast', `${IP}.() bool`, isLinkLocalMulticast],
    ['isLinkLocalUnicast', 'ip_is_link_local_unicast', `${IP}.() bool`, isLinkLocalUnicast],
    ['isGlobalUnicast', 'ip_is_global_unicast', `${IP}.() bool`, isGlobalUnicast],
    ['cidr', 'string_to_cidr', `(string) ${CIDR}`, parseCidr],
    ['isCIDR', 'is_cidr', '(string) bool', isCidr],
    ['containsIP', 'cidr_contains_ip_string', `${CIDR}.(string) bool`, (cidr: CidrValue, ip: string) => containsIp(cidr, parseIp(ip))], ['containsIP', 'cidr_contains_ip_ip', `${CIDR}.(${IP}) bool`, containsIp],
    ['containsCIDR', 'cidr_contains_cidr_string', `${CIDR}.(string) bool`, (cidr: CidrValue, inner: string) => containsCidr(cidr, parseCidr(inner))],
    ['containsCIDR', 'cidr_contains_cidr', `${CIDR}.(${CIDR}) bool`, containsCidr],
    ['prefixLength', 'cidr_prefix_length', `${CIDR}.() int`, ({ prefix }: CidrValue) => prefix],
    ['masked', 'cidr_masked', `${CIDR}.() ${CIDR}`, ({ ip, prefix }: CidrValue) => new CidrValue(new IpValue(masked(ip, prefix), ip.version), prefix)],
  ];
}

function parseIp(text: string): IpValue {
  const problem = ipProblem(text);
  if (problem !== undefined) throw new EvaluationError(problem);
  return text.includes(':') ? new IpValue(bitsOfV6(text) ?? 0n, 6) : new IpValue(bitsOfV4(text), 4);
}

function ipProblem(text: string): string | undefined {
  const quoted = JSON.stringify(text);
  const problem = addressProblem(text);
  if (problem !== undefined) return `IP Address ${quoted} parse error during conversion from string: ${problem}`;
  if (text.includes('%')) return `IP address ${quoted} with zone value is not allowed`;
  return isMapped(text) ? `IPv4-mapped IPv6 address ${quoted} is not allowed` : undefined;
}

function isMapped(text: string): boolean {
  return text.includes(':') && (bitsOfV6(text) ?? 0n) >> 32n === 0xffffn;
}

// netip.ParseAddr's words.
function addressProblem(text: string): string | undefined {
  const failed = (words: string): string => `ParseAddr(${JSON.stringify(text)}): ${words}`;
  const first = /[.:%]/.exec(text)?.[0];
  if (first === undefined || first === '%') return failed(first === undefined ? 'unable to parse IP' : 'missing IPv6 address');
  if (first === '.') {
    const problem = v4Problem(text);
    return problem === undefined ? undefined : failed(problem);
  }
  const [address = '', zone] = text.split(/%(.*)/s);
  if (zone === '') return failed('zone must be a non-empty string');
  return bitsOfV6(address) === undefined ? failed(v6Problem(address)) : undefined;
}

function v4Problem(text: string): string | undefined {
  const bad = /[^\d.]/.exec(text);
  const fields = text.split('.');
  for (const [index, field] of fields.entries()) {
    if (bad !== null && text.indexOf(bad[0]) <= fields.slice(0, index + 1).join('.').length) return `unexpected character (at ${JSON.stringify(text.slice(bad.index))})`;
    if (field === '') return `IPv4 field must have at least one digit (at ${JSON.stringify(text.slice(fields.slice(0, index).join('.').length + (index === 0 ? 0 : 0)))})`;
    if (field.length > 1 && field.startsWith('0')) return 'IPv4 field has octet with leading zero';
    if (Number(field) > 255) return 'IPv4 field has value >255';
    if (index > 3) return 'IPv4 address too long';
  }
  return fields.length < 4 ? 'IPv4 address too short' : undefined;
}

function v6Problem(address: string): string {
  const groups = address.split(':');
  if (groups.some((group) => /^[0-9A-Fa-f]{5,}$/.test(group))) return 'each group must have 4 or less digits';
  if (/:::|::.*::/.test(address)) return 'multiple :: in address';
  if (groups.length < 8) return 'address string too short';
  return groups.length > 8 ? 'trailing garbage after address' : 'each colon-separated field must have at least one digit';
}

function bitsOfV4(text: string): bigint {
  return text.split('.').reduce((bits, field) => (bits << 8n) | BigInt(field), 0n);
}

function bitsOfV6(text: string): bigint | undefined {
  const [address = ''] = text.split('%');
  const embedded = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(address);
  if (embedded !== null && v4Problem(embedded[2] ?? '') !== undefined) return undefined;
  const v4 = embedded === null ? 0n : bitsOfV4(embedded[2] ?? '');
  const plain = embedded === null ? address : `${embedded[1] ?? ''}${(v4 >> 16n).toString(16)}:${(v4 & 0xffffn).toString(16)}`;
  const halves = plain.split('::');
  if (halves.length > 2) return undefined;
  const groups = halves.map((half) => (half === '' ? [] : half.split(':')));
  const [head = [], tail = []] = groups;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined;
  const all = [...head, ...new Array<string>(halves.length === 2 ? missing : 0).fill('0'), ...tail];
  if (all.some((group) => !/^[0-9A-Fa-f]{1,4}$/.test(group))) return undefined;
  return all.reduce((bits, group) => (bits << 16n) | BigInt(`0x${group}`), 0n);
}

// RFC 5952: lower case, the longest run of zeros left out.
function formatIp({ bits, version }: IpValue): string {
  if (version === 4) return [24n, 16n, 8n, 0n].map((shift) => String((bits >> shift) & 0xffn)).join('.');
  const groups = Array.from({ length: 8 }, (_, index) => (bits >> BigInt(112 - 16 * index)) & 0xffffn);
  let best = { start: 0, length: 1 };
  for (let start = 0; start < 8; start++) {
    let length = 0;
    while (start + length < 8 && groups[start + length] === 0n) length++;
    if (length > best.length) best = { start, length };
  }
  const texts = groups.map((group) => group.toString(16));
  if (best.length < 2) return texts.join(':');
  return `${texts.slice(0, best.start).join(':')}::${texts.slice(best.start + best.length).join(':')}`;
}

function isLoopback({ bits, version }: IpValue): boolean {
  return version === 4 ? bits >> 24n === 127n : bits === 1n;
}

function isLinkLocalMulticast({ bits, version }: IpValue): boolean {
  return version === 4 ? bits >> 8n === 0xe00000n : (bits >> 112n & 0xff0fn) === 0xff02n;
}

function isLinkLocalUnicast({ bits, version }: IpValue): boolean {
  return version === 4 ? bits >> 16n === 0xa9fen : bits >> 118n === 0x3fan;
}

function isMulticast({ bits, version }: IpValue): boolean {
  return version === 4 ? bits >> 28n === 0xen : bits >> 120n === 0xffn;
}

function isGlobalUnicast(ip: IpValue): boolean {
  const broadcast = ip.version === 4 && ip.bits === 0xffffffffn;
  return ip.bits !== 0n && !broadcast && !isLoopback(ip) && !isMulticast(ip) && !isLinkLocalUnicast(ip);
}

function parseCidr(text: string): CidrValue {
  const words = 'network address parse error during conversion from string: ';
  const failed = (problem: string): never => { throw new EvaluationError(`${words}${words}netip.ParsePrefix(${JSON.stringify(text)}): ${problem}`); };
  const slash = text.lastIndexOf('/');
  if (slash < 0) return failed("no '/'");
  const [address, bits] = [text.slice(0, slash), text.slice(slash + 1)];
  const problem = addressProblem(address);
  if (problem !== undefined) return failed(problem.replace(/^ParseAddr\(/, 'ParseAddr('));
  if (address.includes('%')) return failed('IPv6 zones cannot be present in a prefix');
  if (!/^(?:0|[1-9]\d*)$/.test(bits)) return failed(`bad bits after slash: ${JSON.stringify(bits)}`);
  const ip = address.includes(':') ? new IpValue(bitsOfV6(address) ?? 0n, 6) : new IpValue(bitsOfV4(address), 4);
  if (Number(bits) > ip.length) return failed('prefix length out of range');
  if (isMapped(address)) throw new EvaluationError(`${words}IPv4-mapped IPv6 address ${JSON.stringify(text)} is not allowed`);
  return new CidrValue(ip, Number(bits));
}

function isCidr(text: string): boolean {
  try {
    parseCidr(text);
    return true;
  } catch (error) {
    if (error instanceof EvaluationError) return false;
    throw error;
  }
}

function masked(ip: IpValue, prefix: number): bigint {
  const rest = BigInt(ip.length - prefix);
  return (ip.bits >> rest) << rest;
}

function containsIp({ ip, prefix }: CidrValue, inner: IpValue): boolean {
  return inner.version === ip.version && masked(inner, prefix) === masked(ip, prefix);
}

function containsCidr(outer: CidrValue, inner: CidrValue): boolean {
  return outer.prefix <= inner.prefix && containsIp(outer, inner.ip);
}
