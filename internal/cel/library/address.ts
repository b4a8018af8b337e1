// IP addresses as Go's netip.ParseAddr reads them, with its words for what is none.

export interface Address {
  bits: bigint;
  version: 4 | 6;
  /** A zone follows: `fe80::1%eth0`. */
  zone: boolean;
}

class AddressProblem extends Error {}

export function parseAddress(text: string): Address | { problem: string } {
  try {
    const first = /[.:%]/.exec(text)?.[0];
    if (first === undefined) throw new AddressProblem('unable to parse IP');
    if (first === '%') throw new AddressProblem('missing IPv6 address');
    return first === '.' ? { bits: fieldsOf(text), version: 4, zone: false } : groupsOf(text);
  } catch (error) {
    if (error instanceof AddressProblem) return { problem: `ParseAddr(${JSON.stringify(text)}): ${error.message}` };
    throw error;
  }
}

function at(rest: string): string {
  return rest === '' ? '' : ` (at ${JSON.stringify(rest)})`;
}

function fieldsOf(text: string): bigint {
  let bits = 0n;
  let count = 0;
  let digits = '';
  for (const [index, letter] of Array.from(text).entries()) {
    if (letter >= '0' && letter <= '9') {
      if (digits === '0') throw new AddressProblem('IPv4 field has octet with leading zero');
      digits += letter;
      if (Number(digits) > 255) throw new AddressProblem('IPv4 field has value >255');
    } else if (letter === '.') {
      if (digits === '' || index === text.length - 1) throw new AddressProblem(`IPv4 field must have at least one digit${at(text.slice(index))}`);
      if (count === 3) throw new AddressProblem('IPv4 address too long');
      bits = (bits << 8n) | BigInt(digits);
      count++;
      digits = '';
    } else throw new AddressProblem(`unexpected character${at(text.slice(index))}`);
  }
  if (count < 3) throw new AddressProblem('IPv4 address too short');
  return (bits << 8n) | BigInt(digits);
}

function groupsOf(text: string): Address {
  const [address = '', zone] = text.split(/%(.*)/s);
  if (zone === '') throw new AddressProblem('zone must be a non-empty string');
  const groups: bigint[] = [];
  let gap = address.startsWith('::') ? 0 : -1;
  let rest = gap === 0 ? address.slice(2) : address;
  while (rest !== '' && groups.length < 8) {
    const digits = groupAt(rest);
    if (rest[digits.length] === '.') {
      groups.push(...embedded(rest, { gap, count: groups.length }));
      rest = '';
      break;
    }
    groups.push(BigInt(`0x${digits}`));
    const after = rest.slice(digits.length);
    if (after === '') {
      rest = '';
      break;
    }
    if (!after.startsWith(':')) throw new AddressProblem(`unexpected character, want colon${at(after)}`);
    if (after.length === 1) throw new AddressProblem(`colon must be followed by more characters${at(after)}`);
    rest = after.slice(1);
    if (!rest.startsWith(':')) continue;
    if (gap >= 0) throw new AddressProblem(`multiple :: in address${at(rest)}`);
    gap = groups.length;
    rest = rest.slice(1);
  }
  if (rest !== '') throw new AddressProblem(`trailing garbage after address${at(rest)}`);
  return { bits: expanded(groups, gap), version: 6, zone: zone !== undefined };
}

function groupAt(rest: string): string {
  const digits = /^[0-9A-Fa-f]*/.exec(rest)?.[0] ?? '';
  if (digits.length > 4) throw new AddressProblem(`each group must have 4 or less digits${at(rest)}`);
  if (digits === '') throw new AddressProblem(`each colon-separated field must have at least one digit${at(rest)}`);
  return digits;
}

function embedded(rest: string, { gap, count }: { gap: number; count: number }): bigint[] {
  if (gap < 0 && count !== 6) throw new AddressProblem(`embedded IPv4 address must replace the final 2 fields of the address${at(rest)}`);
  if (count > 6) throw new AddressProblem(`too many hex fields to fit an embedded IPv4 at the end of the address${at(rest)}`);
  const bits = fieldsOf(rest);
  return [bits >> 16n, bits & 0xffffn];
}

function expanded(groups: readonly bigint[], gap: number): bigint {
  if (groups.length < 8 && gap < 0) throw new AddressProblem('address string too short');
  if (groups.length === 8 && gap >= 0) throw new AddressProblem('the :: must expand to at least one field of zeros');
  const all = gap < 0 ? groups : [...groups.slice(0, gap), ...new Array<bigint>(8 - groups.length).fill(0n), ...groups.slice(gap)];
  return all.reduce((bits, group) => (bits << 16n) | group, 0n);
}
