// IP addresses and CIDRs as Go's net/netip reads them, without zones and without IPv4 in IPv6.
import { EvaluationError } from '../cel-error.ts';
import { parseAddress } from './address.ts';
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
    ['containsIP', 'cidr_contains_ip_string', `${CIDR}.(string) bool`, containsIpText], ['containsIP', 'cidr_contains_ip_ip', `${CIDR}.(${IP}) bool`, containsIp],
    ['containsCIDR', 'cidr_contains_cidr_string', `${CIDR}.(string) bool`, (cidr: CidrValue, inner: string) => containsCidr(cidr, parseCidr(inner))],
    ['containsCIDR', 'cidr_contains_cidr', `${CIDR}.(${CIDR}) bool`, containsCidr],
    ['prefixLength', 'cidr_prefix_length', `${CIDR}.() int`, ({ prefix }: CidrValue) => prefix],
    ['masked', 'cidr_masked', `${CIDR}.() ${CIDR}`, ({ ip, prefix }: CidrValue) => new CidrValue(new IpValue(masked(ip, prefix), ip.version), prefix)],
  ];
}

function parseIp(text: string): IpValue {
  const problem = ipProblem(text);
  const address = parseAddress(text);
  if (problem !== undefined || 'problem' in address) throw new EvaluationError(problem ?? '');
  return new IpValue(address.bits, address.version);
}

function ipProblem(text: string): string | undefined {
  const quoted = JSON.stringify(text);
  const address = parseAddress(text);
  if ('problem' in address) return `IP Address ${quoted} parse error during conversion from string: ${address.problem}`;
  if (address.zone) return `IP address ${quoted} with zone value is not allowed`;
  return isMapped(address) ? `IPv4-mapped IPv6 address ${quoted} is not allowed` : undefined;
}

function isMapped({ bits, version }: { bits: bigint; version: 4 | 6 }): boolean {
  return version === 6 && bits >> 32n === 0xffffn;
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
  const found = parseAddress(address);
  if ('problem' in found) return failed(found.problem);
  if (found.zone) return failed('IPv6 zones cannot be present in a prefix');
  if (!/^(?:0|[1-9]\d*)$/.test(bits)) return failed(`bad bits after slash: ${JSON.stringify(bits)}`);
  const ip = new IpValue(found.bits, found.version);
  if (Number(bits) > ip.length) return failed('prefix length out of range');
  if (isMapped(found)) throw new EvaluationError(`${words}IPv4-mapped IPv6 address ${JSON.stringify(text)} is not allowed`);
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

// Upstream has no better word for an address that is none.
function containsIpText(cidr: CidrValue, ip: string): boolean {
  if (ipProblem(ip) !== undefined) throw new EvaluationError('no such overload');
  return containsIp(cidr, parseIp(ip));
}

function containsCidr(outer: CidrValue, inner: CidrValue): boolean {
  return outer.prefix <= inner.prefix && containsIp(outer, inner.ip);
}
