// OpenAPI documents with those of aggregated servers in them.
import type { RemoteSpec } from './documents.ts';

interface SpecV2 {
  paths: Record<string, object>;
  definitions: Record<string, object>;
}

/** A definition that both have is ours: the machinery's types are the same everywhere. */
export function withRemoteSpecs<T extends object>(document: T, remotes: readonly RemoteSpec[]): T {
  if (remotes.length === 0) return document;
  const { paths, definitions } = document as unknown as SpecV2;
  return {
    ...document,
    paths: Object.assign({}, paths, ...remotes.map((remote) => remote.paths)) as Record<string, object>,
    definitions: Object.assign({}, ...remotes.map((remote) => remote.definitions), definitions) as Record<string, object>,
  };
}
