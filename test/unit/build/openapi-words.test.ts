// The descriptions that the build takes from packages: nearly everything is told, in the words that clients show.
import { readFileSync } from 'node:fs';
import t from 'tap';
import { wordsFile } from '../../../build/words/words.ts';
import { openApiWords } from '../../../cmd/openapi-words.ts';
import { loadSchemas } from '../../../internal/api/schema.ts';
import { ownWordDigests, WORDS_FIXTURE, type WordDigests } from '../../parity/openapi-words.ts';

void t.test('definitions, fields and parameters have words, with their lines and values', (t) => {
  t.match(wordsFile(), /openapi-words\.zst$/);
  const words = openApiWords().words?.load();
  const untold: string[] = [];
  for (const id of loadSchemas().ids()) {
    if (words?.of(id) === undefined) untold.push(id);
    for (const field of loadSchemas().get(id)?.fields.keys() ?? []) if (words?.of(id, field) === undefined) untold.push(`${id} ${field}`);
  }
  // Upstream says nothing of 48, most of them fields of JSON schemas.
  t.equal(untold.length, 48, untold.join('\n'));
  t.match(words?.of('io.k8s.api.core.v1.ServiceSpec', 'sessionAffinity'), /\n\nPossible enum values:\n - `"ClientIP"` .+\n - `"None"` /);
  t.match(words?.of('io.k8s.apimachinery.pkg.api.resource.Quantity'), /1\.5Gi as 1536Mi/);
  t.match(words?.of('io.k8s.api.core.v1.Pod', 'apiVersion'), /^APIVersion defines/);
  t.match(words?.of('io.k8s.api.admissionregistration.v1.RuleWithOperations', 'resources'), "'*/scale' means");
  t.match(words?.parameter('continue'), /"next key"/);
  t.match([words?.parameter('container', 'exec'), words?.parameter('container', 'log')], [/execute/, /logs/]);
  t.end();
});

void t.test('what kubectl explain prints of each definition is upstream’s to the letter', (t) => {
  const theirs = JSON.parse(readFileSync(WORDS_FIXTURE, 'utf8')) as WordDigests;
  const words = openApiWords().words?.load();
  if (words === undefined) return t.fail('there are no words');
  const ours = ownWordDigests(words, Object.keys(theirs));
  // Quantity's are our own: no package of the build has upstream's.
  t.same(Object.keys(theirs).filter((id) => ours[id] !== theirs[id]), ['io.k8s.apimachinery.pkg.api.resource.Quantity']);
  t.end();
});
