// Which resources a loop watches when that is everything that is served: what is there when the loop is made, and what comes later (custom
// resources), for as long as it is there.
import type { Resource } from '../api/request.ts';
import type { LaterWakes, Wake } from './loop.ts';

/** Everything that can be listed and deleted, each stored kind once, as of now. `onChange` is absent where nothing ever comes or goes. */
export interface ServedResources {
  (): readonly Resource[];
  onChange?(listener: () => void): () => void;
}

/** The wakes of all resources: those of now for `wakes`, the others for `laterWakes`. */
export function wakesOfAll(resources: ServedResources, wakesOf: (resource: Resource) => readonly Wake[]): { wakes: Wake[]; laterWakes: LaterWakes } {
  const atFirst = resources();
  const known = new Set(atFirst.map(nameOf));
  return {
    wakes: atFirst.flatMap(wakesOf),
    laterWakes: {
      wakes: () => resources().filter((resource) => !known.has(nameOf(resource))).flatMap(wakesOf),
      onChange: (listener) => resources.onChange?.(listener) ?? (() => {}),
    },
  };
}

function nameOf({ group, resource }: Resource): string {
  return `${group}/${resource}`;
}
