// Cron schedules by values: fields, day rules, zones with their clock changes, and upstream's words for what it refuses.
import t from 'tap';
import { parseCronSchedule } from '../../../internal/kinds/batch/cron-schedule.ts';

const next = (text: string, after: string, zone = 'UTC'): string => {
  const at = parseCronSchedule(text, zone).next(Date.parse(after));
  return at === undefined ? 'never' : new Date(at).toISOString().slice(0, 16);
};

t.test('fields, ranges, steps, names', async (t) => {
  t.equal(next('*/5 * * * *', '2026-01-01T00:03:20Z'), '2026-01-01T00:05');
  t.equal(next('0 0 * * *', '2026-01-31T00:00:00Z'), '2026-02-01T00:00');
  t.equal(next('30 6-16/4 * * MON-fri', '2026-01-03T07:00:00Z'), '2026-01-05T06:30');
  t.equal(next('15 10 29 2 ?', '2026-01-01T00:00:00Z'), '2028-02-29T10:15');
  t.equal(next('0 12 1 jan,jul *', '2026-01-01T12:00:00Z'), '2026-07-01T12:00');
  t.equal(next('@weekly', '2026-01-01T00:00:00Z'), '2026-01-04T00:00');
  t.equal(next('@every 90m', '2026-01-01T00:00:00Z'), '2026-01-01T01:30');
  t.equal(next('59 23 31 2 *', '2026-01-01T00:00:00Z'), 'never');
});

t.test('day of month or weekday when both are given, and when one is a star', async (t) => {
  t.equal(next('0 0 13 * 5', '2026-01-01T00:00:00Z'), '2026-01-02T00:00');
  t.equal(next('0 0 13 * *', '2026-01-01T00:00:00Z'), '2026-01-13T00:00');
});

t.test('zones, over a change of clocks', async (t) => {
  t.equal(next('0 9 * * *', '2026-01-01T00:00:00Z', 'America/New_York'), '2026-01-01T14:00');
  t.equal(next('0 9 * * *', '2026-07-01T00:00:00Z', 'America/New_York'), '2026-07-01T13:00');
  t.equal(next('30 0 * * *', '2026-07-01T00:00:00Z', 'Asia/Kolkata'), '2026-07-01T19:00');
  t.equal(next('30 2 * * *', '2026-03-29T00:00:00Z', 'Europe/Berlin'), '2026-03-30T00:30', 'a time that the clocks jump over');
  t.equal(next('TZ=Asia/Tokyo 0 0 * * *', '2026-01-01T00:00:00Z'), '2026-01-01T15:00');
  t.throws(() => parseCronSchedule('* * * * *', 'Nowhere/Land'), RangeError);
});

t.test('what is no schedule', async (t) => {
  const problem = (text: string): string => {
    try {
      parseCronSchedule(text, 'UTC');
      return '';
    } catch (error) {
      return (error as Error).message;
    }
  };
  t.equal(problem('* * * *'), 'expected exactly 5 fields, found 4: [* * * *]');
  t.equal(problem('60 * * * *'), 'end of range (60) above maximum (59): 60');
  t.equal(problem('5-1 * * * *'), 'beginning of range (5) beyond end of range (1): 5-1');
  t.equal(problem('*/0 * * * *'), 'step of range should be a positive number: */0');
  t.equal(problem('error * * * *'), 'failed to parse int from error: strconv.Atoi: parsing "error": invalid syntax');
  t.equal(problem('@sometimes'), 'unrecognized descriptor: @sometimes');
  t.equal(problem('* * 0 * *'), 'beginning of range (0) below minimum (1): 0');
});
