// OpenAPI documents with those of aggregated servers in them.
import type { V2Member } from '../../api/openapi.ts';
import type { RemoteSpec } from './documents.ts';

/** A definition that both have is ours: the machinery's types are the same everywhere. */
export function* withRemoteSpecs(members: Iterable<V2Member>, remotes: readonly RemoteSpec[]): Generator<V2Member> {
  const known = new Set<string>();
  let section = '';
  for (const member of members) {
    if (section !== member[0]) yield* ofRemotes(section, remotes, known);
    [section] = member;
    known.add(`${section} ${member[1]}`);
    yield member;
  }
}

/** What remotes have in a section that has ended. */
function* ofRemotes(section: string, remotes: readonly RemoteSpec[], known: Set<string>): Generator<V2Member> {
  if (section !== 'paths' && section !== 'definitions') return;
  for (const remote of remotes) {
    for (const [name, value] of Object.entries(remote[section])) {
      if (known.has(`${section} ${name}`)) continue;
      known.add(`${section} ${name}`);
      yield [section, name, value];
    }
  }
}
