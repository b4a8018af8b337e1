// ControllerRevisions: the templates a DaemonSet or StatefulSet has had, to tell which pods are of which, and to go back to one. Data is what
// upstream records, a strategic patch that replaces spec.template (kubectl rollout undo sends it as it is), with sorted keys as Go writes
// maps, since upstream's own tools compare the bytes.
import { sameWhenWritten } from '../api/json-equality.ts';
import { copy, type Draft, type JsonValue, type KubeObject } from '../api/meta.ts';
import type { ControllerRevision, PodTemplateSpec } from '../kinds/generated/api-types.ts';
import { CONTROLLERREVISIONS } from '../kinds/generated/resources.ts';
import { create, remove, update, type Action } from './action.ts';
import { controllerReference } from './pod-state.ts';
import { templateHash } from './template-hash.ts';

/** On pods and a DaemonSet's revisions: which revision. */
export const REVISION_HASH = 'controller-revision-hash';

/** An object whose pods come from one template. */
export interface Templated extends KubeObject {
  spec: { template: PodTemplateSpec };
  status?: { collisionCount?: number };
}

export interface History {
  /** The revision of the present template; when it is new, as it will be. */
  current: ControllerRevision;
  /** Others, oldest first. */
  old: ControllerRevision[];
  /** Creates or renumbers the current one. */
  actions: Action[];
  /** The name for the present template is another's: count on and try again. */
  collides: boolean;
}

/** `hashLabel`: where the revision carries its hash. `named`: who has a name at present. */
export function historyOf(owner: Templated, owned: readonly ControllerRevision[], hashLabel: string, named: (name: string) => KubeObject | undefined): History {
  const sorted = byRevision(owned);
  const same = sorted.filter((revision) => isOfTemplate(revision, owner.spec.template));
  const found = same.at(-1);
  const old = sorted.filter((revision) => revision !== found);
  const number = Math.max(0, ...old.map(({ revision }) => revision)) + 1;
  if (found === undefined) {
    const made = newRevision(owner, number, hashLabel);
    return { current: made, old, actions: [create(CONTROLLERREVISIONS, draftOf(made))], collides: named(made.metadata.name) !== undefined };
  }
  if (found.revision >= number) return { current: found, old, actions: [], collides: false };
  const current = { ...copy(found), revision: number };
  return { current, old, actions: [update(CONTROLLERREVISIONS, current)], collides: false };
}

export function byRevision(revisions: readonly ControllerRevision[]): ControllerRevision[] {
  return [...revisions].sort((left, right) => left.revision - right.revision || Date.parse(left.metadata.creationTimestamp) - Date.parse(right.metadata.creationTimestamp) || (left.metadata.name < right.metadata.name ? -1 : 1));
}

/** Old revisions beyond the limit that nothing uses, oldest first. */
export function surplusRevisions(old: readonly ControllerRevision[], limit: number | undefined, used: (revision: ControllerRevision) => boolean): Action[] {
  const idle = old.filter((revision) => !used(revision));
  return idle.slice(0, Math.max(0, old.length - (limit ?? 10))).map((revision) => remove(CONTROLLERREVISIONS, revision));
}

function isOfTemplate({ data }: ControllerRevision, template: PodTemplateSpec): boolean {
  const { $patch: _, ...recorded } = (data as { spec?: { template?: { $patch?: string } } } | undefined)?.spec?.template ?? {};
  return sameWhenWritten(complete(recorded as PodTemplateSpec), complete(template));
}

/** The template a revision recorded. */
export function templateOf({ data }: ControllerRevision): PodTemplateSpec {
  const { $patch: _, ...template } = copy((data as { spec: { template: object & { $patch?: string } } }).spec.template);
  return template as PodTemplateSpec;
}

function newRevision(owner: Templated, revision: number, hashLabel: string): ControllerRevision {
  const { template } = owner.spec;
  const hash = templateHash(template, owner.status?.collisionCount ?? 0);
  const { metadata } = owner;
  return {
    apiVersion: 'apps/v1',
    kind: 'ControllerRevision',
    metadata: {
      name: `${metadata.name.slice(0, 223)}-${hash}`,
      namespace: metadata.namespace ?? '',
      uid: '', resourceVersion: '', creationTimestamp: '',
      labels: { ...template.metadata?.labels, [hashLabel]: hash },
      ...(metadata.annotations !== undefined && { annotations: { ...metadata.annotations } }),
      ownerReferences: [controllerReference(owner)],
    },
    data: sortedKeys({ spec: { template: { ...complete(template), $patch: 'replace' } } }) as JsonValue,
    revision,
  };
}

function draftOf({ metadata: { uid: _uid, resourceVersion: _version, creationTimestamp: _time, ...metadata }, ...rest }: ControllerRevision): Draft<ControllerRevision> {
  return { ...rest, metadata };
}

// Go writes these structures also when they are empty.
function complete(template: PodTemplateSpec): PodTemplateSpec {
  const result = copy(template);
  result.metadata ??= {} as NonNullable<PodTemplateSpec['metadata']>;
  for (const container of [...(result.spec?.containers ?? []), ...(result.spec?.initContainers ?? [])]) container.resources ??= {};
  return result;
}

function sortedKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortedKeys);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1)).map(([key, member]) => [key, sortedKeys(member)]));
}
