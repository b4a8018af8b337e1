// Formats of strings that a custom schema may ask for (kube-openapi's strfmt, as far as apiextensions supports them). Others are ignored.
import { isIP, isIPv4, isIPv6 } from 'node:net';

const UUID = (version: string, variant: string): RegExp => new RegExp(`^[0-9a-f]{8}-?[0-9a-f]{4}-?${version}[0-9a-f]{3}-?${variant}[0-9a-f]{3}-?[0-9a-f]{12}$`, 'i');
const GO_DURATION = /^[+-]?(0|((\d+(\.\d*)?|\.\d+)(ns|us|\u00b5s|\u03bcs|ms|s|m|h))+)$/;
// Each run of digits is begun at its first alone: a text may be megabytes of them.
const DURATION_PARTS = /(?<!\d)\d+\s*[a-z\u00b5]+/gi;
const DURATION_PART = /^\d+\s*(ns$|us$|\u00b5s$|ms$|[smhdw]$|hr$|wk$|nano|micro|milli|sec|min|hour|day|week)/i;
const TIME_OF_DAY = /^(\d\d):(\d\d):(\d\d)(.\d+)?(z|[+-]\d\d:\d\d)$/;
const HOSTNAME = /^([a-zA-Z0-9\p{S}\p{L}]((-?[a-zA-Z0-9\p{S}\p{L}]{0,62})?)|([a-zA-Z0-9\p{S}\p{L}](([a-zA-Z0-9\-\p{S}\p{L}]{0,61}[a-zA-Z0-9\p{S}\p{L}])?)(\.)){1,}([a-zA-Z\p{L}]){2,63})$/u;
const CARD = /^(?:4[0-9]{12}(?:[0-9]{3})?|5[1-5][0-9]{14}|6(?:011|5[0-9][0-9])[0-9]{12}|3[47][0-9]{13}|3(?:0[0-5]|[68][0-9])[0-9]{11}|(?:2131|1800|35\d{3})\d{11})$/;

const FORMATS: Readonly<Record<string, (text: string) => boolean>> = {
  bsonobjectid: (text) => /^[0-9a-f]{24}$/i.test(text),
  uri: isUri,
  email: (text) => /^([^<>@\s]+@[^<>@\s]+|[^<>]*<[^<>@\s]+@[^<>@\s]+>)$/.test(text),
  hostname: (text) => text.length <= 255 && HOSTNAME.test(text) && text.split('.').every((label) => label.length <= 63),
  // As Go read addresses once: leading zeros are let be, and what maps an IPv4 address is one.
  ipv4: (text) => isIPv4(withoutZeros(text)) || isMapped(text),
  ipv6: (text) => isIPv6(text) && !text.includes('%'),
  cidr: isCidr,
  mac: (text) => /^([0-9a-f]{2}([:-]))([0-9a-f]{2}\2){4}[0-9a-f]{2}$|^([0-9a-f]{2}([:-]))([0-9a-f]{2}\5){6}[0-9a-f]{2}$|^([0-9a-f]{4}\.?){2}[0-9a-f]{4}$|^([0-9a-f]{4}\.?){3}[0-9a-f]{4}$/i.test(text),
  uuid: (text) => UUID('[0-9a-f]', '[0-9a-f]').test(text),
  uuid3: (text) => UUID('3', '[0-9a-f]').test(text),
  uuid4: (text) => UUID('4', '[89ab]').test(text),
  uuid5: (text) => UUID('5', '[89ab]').test(text),
  isbn: (text) => isIsbn10(text) || isIsbn13(text),
  isbn10: isIsbn10,
  isbn13: isIsbn13,
  creditcard: (text) => isCard(text.replaceAll(/[^0-9]+/g, '')),
  ssn: (text) => /^\d{3}[- ]?\d{2}[- ]?\d{4}$/.test(text),
  hexcolor: (text) => /^#?([0-9a-f]{3}|[0-9a-f]{6})$/i.test(text),
  rgbcolor: (text) => /^rgb\(\s*(0|[1-9]\d?|1\d\d?|2[0-4]\d|25[0-5])\s*,\s*(0|[1-9]\d?|1\d\d?|2[0-4]\d|25[0-5])\s*,\s*(0|[1-9]\d?|1\d\d?|2[0-4]\d|25[0-5])\s*\)$/.test(text),
  byte: (text) => /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})$/.test(text),
  password: () => true,
  date: isDate,
  // Go's, or anything in which a part is one.
  duration: (text) => GO_DURATION.test(text) || (text.match(DURATION_PARTS) ?? []).some((part) => DURATION_PART.test(part)),
  datetime: isDateTime,
  'k8s-short-name': (text) => text.length <= 63 && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(text),
  'k8s-long-name': (text) => text.length <= 253 && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(text),
};

/** Whether the format is one that is checked: `date-time` is `datetime`, as strfmt takes hyphens out of names. */
export function hasFormat(format: string | undefined): format is string {
  return format !== undefined && nameOf(format) in FORMATS;
}

const NUMBER_FORMATS: Readonly<Record<string, readonly string[]>> = { integer: ['int32', 'int64'], number: ['float', 'double'] };

/** Any other is taken for a slip of the pen, and warned of. */
export function isKnownFormat(type: string, format: string): boolean {
  return type === '' || type === 'string' ? hasFormat(format) : NUMBER_FORMATS[type]?.includes(format) === true;
}

export function validatesFormat(format: string, text: string): boolean {
  return FORMATS[nameOf(format)]?.(text) ?? true;
}

function nameOf(format: string): string {
  return format.startsWith('k8s-') ? format : format.replaceAll('-', '');
}

function isUri(text: string): boolean {
  if (text.startsWith('/')) return !/[\s]/.test(text);
  return /^[a-z][a-z0-9+.-]*:/i.test(text) && URL.canParse(text);
}

function withoutZeros(text: string): string {
  return text.replaceAll(/(^|\.)0+(?=\d)/g, '$1');
}

function isMapped(text: string): boolean {
  return isIPv6(text) && /^(0*:)*0*:ffff:(\d+\.|[0-9a-f]{1,4}:[0-9a-f]{1,4}$)/i.test(text);
}

function isCidr(text: string): boolean {
  const [address = '', prefix = '', rest] = text.split('/');
  const version = address.includes('%') ? 0 : isIP(address.includes(':') ? address : withoutZeros(address));
  return rest === undefined && version !== 0 && /^\d{1,3}$/.test(prefix) && Number(prefix) <= (version === 4 ? 32 : 128);
}

function isDate(text: string): boolean {
  return /^\d{4}-\d\d-\d\d$/.test(text) && isCalendarDay(text);
}

function isDateTime(text: string): boolean {
  const [day = '', time = ''] = text.toLowerCase().split('t');
  const [, hours = '24', minutes = '60', seconds = '60'] = TIME_OF_DAY.exec(time) ?? [];
  return isDate(day) && hours <= '23' && minutes <= '59' && seconds <= '59';
}

function isCalendarDay(text: string): boolean {
  const date = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
}

function isIsbn10(text: string): boolean {
  const digits = text.replaceAll(/[\s-]+/g, '');
  if (!/^\d{9}[\dX]$/.test(digits)) return false;
  return digits.split('').reduce((sum, digit, index) => sum + (digit === 'X' ? 10 : Number(digit)) * (10 - index), 0) % 11 === 0;
}

function isIsbn13(text: string): boolean {
  const digits = text.replaceAll(/[\s-]+/g, '');
  if (!/^\d{13}$/.test(digits)) return false;
  return digits.split('').reduce((sum, digit, index) => sum + Number(digit) * (index % 2 === 0 ? 1 : 3), 0) % 10 === 0;
}

function isCard(digits: string): boolean {
  if (!CARD.test(digits)) return false;
  const sum = digits.split('').reverse().reduce((total, digit, index) => {
    const value = Number(digit) * (index % 2 === 0 ? 1 : 2);
    return total + (value > 9 ? value - 9 : value);
  }, 0);
  return sum % 10 === 0;
}
