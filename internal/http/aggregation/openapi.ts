// OpenAPI documents with those of aggregated servers in them: their paths, and what these refer to.
import { referencesIn, type V2Member } from '../../api/openapi.ts';
import type { RemoteSpec } from './documents.ts';

/** What both have under one name is ours: the machinery's types are the same everywhere, and parameters are named by what they are. */
export function* withRemoteSpecs(members: Iterable<V2Member>, remotes: readonly RemoteSpec[]): Generator<V2Member> {
  const needed = remotes.map(neededBy);
  const known = new Set<string>();
  let section = '';
  for (const member of members) {
    if (section !== member[0]) yield* missing(section, needed, known);
    [section] = member;
    known.add(`${section} ${member[1]}`);
    yield member;
  }
}

/** What remotes have in a section that has ended. */
function* missing(section: string, needed: readonly V2Member[][], known: Set<string>): Generator<V2Member> {
  for (const member of needed.flat()) {
    const key = `${member[0]} ${member[1]}`;
    if (member[0] !== section || known.has(key)) continue;
    known.add(key);
    yield member;
  }
}

function neededBy({ paths, definitions, parameters }: RemoteSpec): V2Member[] {
  const members: V2Member[] = Object.entries(paths).map(([path, item]) => ['paths', path, item]);
  const seen = new Set<string>();
  const waiting = [...referencesIn(paths)];
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    if (seen.has(name)) continue;
    seen.add(name);
    for (const [section, values] of [['definitions', definitions], ['parameters', parameters]] as const) {
      if (!Object.hasOwn(values, name)) continue;
      members.push([section, name, values[name]]);
      waiting.push(...referencesIn(values[name]));
    }
  }
  return members;
}
