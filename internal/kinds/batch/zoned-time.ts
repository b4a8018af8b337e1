// Wall clocks of time zones: what they show at an instant, and the instant at which they show a day's beginning. Through Intl, which knows
// the zones; UTC and the machine's own zone do without it.

export interface WallTime {
  year: number;
  /** 1 to 12. */
  month: number;
  day: number;
  hour: number;
  minute: number;
  /** 0 is Sunday. */
  weekday: number;
}

export interface Zone {
  at(epochMs: number): WallTime;
  /** The first minute of a day; dates may run over (month 13 is next January). */
  startOfDay(date: { year: number; month: number; day: number }): number;
  /** How far the wall clock is ahead of UTC, in minutes. */
  offsetMinutes(epochMs: number): number;
}

const zones = new Map<string, Zone>();

/** undefined: the machine's own zone. Throws RangeError on a name that is no zone. */
export function zoneOf(name: string | undefined): Zone {
  const key = name ?? '';
  let zone = zones.get(key);
  if (zone === undefined) zones.set(key, (zone = zoneWith(name === undefined ? ownClock : name === 'UTC' ? utcClock : namedClock(name))));
  return zone;
}

export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

type ReadClock = (epochMs: number) => WallTime;

function zoneWith(at: ReadClock): Zone {
  const asUtc = ({ year, month, day, hour, minute }: WallTime): number => Date.UTC(year, month - 1, day, hour, minute);
  const offset = (epochMs: number): number => asUtc(at(epochMs)) - Math.floor(epochMs / 60_000) * 60_000;
  return {
    at,
    startOfDay({ year, month, day }) {
      const wanted = Date.UTC(year, month - 1, day);
      const guess = wanted - offset(wanted);
      const start = wanted - offset(guess);
      // Where clocks jump over midnight the day begins at one.
      return asUtc(at(start)) < wanted ? start + 3_600_000 : start;
    },
    offsetMinutes: (epochMs) => offset(epochMs) / 60_000,
  };
}

function utcClock(epochMs: number): WallTime {
  const date = new Date(epochMs);
  return { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate(), hour: date.getUTCHours(), minute: date.getUTCMinutes(), weekday: date.getUTCDay() };
}

function ownClock(epochMs: number): WallTime {
  const date = new Date(epochMs);
  return { year: date.getFullYear(), month: date.getMonth() + 1, day: date.getDate(), hour: date.getHours(), minute: date.getMinutes(), weekday: date.getDay() };
}

function namedClock(name: string): ReadClock {
  const format = new Intl.DateTimeFormat('en-US', { timeZone: name, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric' });
  return (epochMs) => {
    const parts = Object.fromEntries(format.formatToParts(epochMs).map(({ type, value }) => [type, Number(value)]));
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0 } = parts;
    return { year, month, day, hour, minute, weekday: new Date(Date.UTC(year, month - 1, day)).getUTCDay() };
  };
}
