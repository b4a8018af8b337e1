// Cron schedules of CronJobs: five fields with names, lists, ranges and steps, the usual @words, and @every with a duration; what it accepts,
// means and refuses is upstream's (robfig/cron v3 ParseStandard), so are the words.
import { parseDuration } from '../../api/duration.ts';
import { zoneOf, type WallTime, type Zone } from './zoned-time.ts';

export interface CronSchedule {
  /** The next time after this one, in epoch ms; undefined when none comes within five years. */
  next(afterMs: number): number | undefined;
}

interface Bounds {
  min: number;
  max: number;
  names?: readonly string[];
}

interface Field {
  values: ReadonlySet<number>;
  /** A star without a step: days are then chosen by the other day field alone. */
  any: boolean;
}

const MINUTE_MS = 60_000;
const YEARS_MAX = 5;
const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const FIELDS: readonly Bounds[] = [{ min: 0, max: 59 }, { min: 0, max: 23 }, { min: 1, max: 31 }, { min: 1, max: 12, names: MONTHS }, { min: 0, max: 6, names: WEEKDAYS }];
const WORDS: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *', '@annually': '0 0 1 1 *', '@monthly': '0 0 1 * *', '@weekly': '0 0 * * 0', '@daily': '0 0 * * *', '@midnight': '0 0 * * *', '@hourly': '0 * * * *',
};

/** Throws an Error with upstream's words. `timeZone`: IANA name; a `TZ=` in the schedule itself wins. */
export function parseCronSchedule(text: string, timeZone?: string): CronSchedule {
  if (text === '') throw new Error('empty spec string');
  const [, own, rest] = /^(?:CRON_)?TZ=(\S*)\s+(.*)$/.exec(text) ?? [];
  if (rest !== undefined) return parseFields(rest.trim(), locate(own ?? ''));
  return parseFields(text, zoneOf(timeZone));
}

function locate(name: string): Zone {
  try {
    return zoneOf(name);
  } catch (cause) {
    throw new Error(`provided bad location ${name}: unknown time zone ${name}`, { cause });
  }
}

function parseFields(text: string, zone: Zone): CronSchedule {
  if (text.startsWith('@every ')) return every(text);
  const plain = text.startsWith('@') ? WORDS[text] : text;
  if (plain === undefined) throw new Error(`unrecognized descriptor: ${text}`);
  const parts = plain.split(/\s+/).filter((part) => part !== '');
  if (parts.length !== FIELDS.length) throw new Error(`expected exactly 5 fields, found ${String(parts.length)}: [${parts.join(' ')}]`);
  const fields = FIELDS.map((bounds, index) => parseField(parts[index] ?? '', bounds));
  return { next: (afterMs) => nextMatch(fields, zone, afterMs) };
}

function every(text: string): CronSchedule {
  let duration: number;
  try {
    duration = parseDuration(text.slice('@every '.length));
  } catch (cause) {
    throw new Error(`failed to parse duration ${text}: ${(cause as Error).message}`, { cause });
  }
  const step = Math.max(1000, Math.floor(duration / 1000) * 1000);
  return { next: (afterMs) => Math.floor(afterMs / 1000) * 1000 + step };
}

function parseField(text: string, bounds: Bounds): Field {
  const values = new Set<number>();
  let any = false;
  for (const part of text.split(',').filter((each) => each !== '')) {
    const { first, last, step, star } = parseRange(part, bounds);
    for (let value = first; value <= last; value += step) values.add(value);
    any ||= star;
  }
  return { values, any };
}

function parseRange(text: string, bounds: Bounds): { first: number; last: number; step: number; star: boolean } {
  const [range = '', stepText, ...moreSteps] = text.split('/');
  const [low = '', high, ...moreParts] = range.split('-');
  const all = low === '*' || low === '?';
  const first = all ? bounds.min : parseNumber(low, bounds);
  if (!all && moreParts.length > 0) throw new Error(`too many hyphens: ${text}`);
  let last = all ? bounds.max : high === undefined ? first : parseNumber(high, bounds);
  if (moreSteps.length > 0) throw new Error(`too many slashes: ${text}`);
  const step = stepText === undefined ? 1 : parseNumber(stepText, { min: 0, max: 0 });
  if (stepText !== undefined && high === undefined) last = bounds.max;
  if (first < bounds.min) throw new Error(`beginning of range (${String(first)}) below minimum (${String(bounds.min)}): ${text}`);
  if (last > bounds.max) throw new Error(`end of range (${String(last)}) above maximum (${String(bounds.max)}): ${text}`);
  if (first > last) throw new Error(`beginning of range (${String(first)}) beyond end of range (${String(last)}): ${text}`);
  if (step === 0) throw new Error(`step of range should be a positive number: ${text}`);
  return { first, last, step, star: all && step === 1 };
}

function parseNumber(text: string, { min, names }: Bounds): number {
  const named = names?.indexOf(text.toLowerCase()) ?? -1;
  if (named >= 0) return named + min;
  if (!/^[+-]?\d+$/.test(text)) throw new Error(`failed to parse int from ${text}: strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`);
  if (Number(text) < 0) throw new Error(`negative number (${String(Number(text))}) not allowed: ${text}`);
  return Number(text);
}

// Largest unit first; where one does not fit, on to the beginning of its next, and look again.
function nextMatch(fields: readonly Field[], zone: Zone, afterMs: number): number | undefined {
  const [minutes, hours, days, months, weekdays] = fields as [Field, Field, Field, Field, Field];
  let at = Math.floor(afterMs / MINUTE_MS) * MINUTE_MS + MINUTE_MS;
  const yearMax = zone.at(at).year + YEARS_MAX;
  for (;;) {
    const wall = zone.at(at);
    if (wall.year > yearMax) return undefined;
    if (!months.values.has(wall.month)) at = zone.startOfDay({ year: wall.year, month: wall.month + 1, day: 1 });
    else if (!fitsDay(wall, days, weekdays)) at = zone.startOfDay({ year: wall.year, month: wall.month, day: wall.day + 1 });
    else if (!hours.values.has(wall.hour)) at += (60 - wall.minute) * MINUTE_MS;
    else if (!minutes.values.has(wall.minute)) at += MINUTE_MS;
    else return at;
  }
}

/** Day of month and weekday are alternatives when both are restricted. */
function fitsDay({ day, weekday }: WallTime, days: Field, weekdays: Field): boolean {
  const [byDay, byWeekday] = [days.values.has(day), weekdays.values.has(weekday)];
  return days.any || weekdays.any ? byDay && byWeekday : byDay || byWeekday;
}
