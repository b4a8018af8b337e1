// Formats of strings in custom schemas: durations, as Go's and as upstream's own reading of them take them.
import t from 'tap';
import { validatesFormat } from '../../../internal/kinds/custom/formats.ts';

for (const [text, wanted] of Object.entries({ '1h30m': true, '-2.5s': true, '0': true, '3 days': true, '1 hr': true, 'about 5min': true, '1us': true, '1\u00b5s': true, '1': false, '1x': false, '': false, 'day': false })) {
  t.equal(validatesFormat('duration', text), wanted, JSON.stringify(text));
}

// Hours of this if each digit began a search of its own.
t.test('a text of a million digits is none', (t) => {
  t.equal(validatesFormat('duration', '1'.repeat(1e6)), false);
  t.equal(validatesFormat('duration', `${'1'.repeat(1e6)}x`), false);
  t.end();
});
