// Server-side apply: a manager says what it wants of an object; it owns what it says, conflicts with other owners where it would
// change what is theirs, and what it no longer says goes, unless somebody else owns it. Semantics and error texts are those of
// k8s.io/apimachinery's managedfields and sigs.k8s.io/structured-merge-diff; what a manager no longer says is taken out in the version of this apply.
import { StatusError } from '../../base/errors.ts';
import { sameJson } from '../json-equality.ts';
import { formatTime, parseApiVersion, type KubeObject } from '../meta.ts';
import type { Definition, Schemas } from '../schema.ts';
import { problemsOf } from './apply-check.ts';
import { fieldsOf, mergeTrees, removeFields, withNamedFields, type Typed } from './apply-trees.ts';
import { compareObjects, type Ignored } from './compare.ts';
import { conflictError, conflictsOf, type Conflict } from './apply-conflicts.ts';
import { credit, decodeOwners, disown, encodeOwners, identityOf, ignoredFields, resetFields, UNOWNED, type Owner, type Owners } from './field-owners.ts';
import { difference, intersection, LEAF, union, type FieldNode, type FieldSet } from './field-set.ts';
import { rootShape } from './field-shape.ts';
import { allowedByLastApplied, withLastApplied } from './last-applied.ts';
import { copyTree, dropNulls, isMembers, type Members } from './members.ts';
import { deltasOf, forgetGone, type OtherVersions } from './other-versions.ts';
import { internal } from './strategic-schema.ts';

export { recordUpdate } from './managed-fields.ts';

export interface Application {
  /** Absent where the object is created. */
  live?: KubeObject;
  applied: KubeObject;
  /** As the client wrote it, where its name comes from the URL. */
  said?: KubeObject;
  manager: string;
  force: boolean;
  definition: Definition;
  schemas: Schemas;
  subresource: string;
  versions?: OtherVersions;
  /** Of custom resources, which may say null. */
  keepsNulls?: boolean;
  /** Milliseconds since the epoch. */
  now: number;
}

// kubectl's own manager takes over what it applied from the client's side before.
const KUBECTL = 'kubectl';

/** The object as it is to be stored, not yet defaulted; a copy. Throws Conflict, or what is wrong with the configuration. */
export function serverSideApply(application: Application): KubeObject {
  const { live, applied, definition, schemas, manager } = application;
  if ((applied.metadata as { managedFields?: unknown } | undefined)?.managedFields) throw new StatusError('BadRequest', 'metadata.managedFields must be nil');
  const problems = problemsOf(applied, definition, schemas);
  if (problems !== undefined) throw internal(`failed to create typed patch object (${describe(application.said ?? applied)}): ${problems}`);
  const owners = ownersOf(application);
  forgetGone(owners, application.versions); // before it is asked what was applied the last time: that is not taken back then
  const liveTree = withoutManagedFields(live);
  let outcome = attempt(application, { liveTree, owners: new Map(owners) });
  if ('conflicts' in outcome && manager === KUBECTL) {
    const conflicts = outcome.conflicts.filter(({ fields }) => difference(fields, allowedByLastApplied(liveTree, application)) !== undefined);
    if (conflicts.length > 0) throw conflictError(conflicts.map((conflict) => ({ ...conflict, fields: difference(conflict.fields, allowedByLastApplied(liveTree, application)) })));
    outcome = attempt({ ...application, force: true }, { liveTree, owners: new Map(owners) });
  }
  if ('conflicts' in outcome) throw conflictError(outcome.conflicts);
  const result = settled(outcome.tree, application) as KubeObject;
  if (manager === KUBECTL) withLastApplied(result, applied);
  const entries = encodeOwners(outcome.owners);
  if (entries.length > 0) result.metadata.managedFields = entries;
  return result;
}

// An object whose fields nobody owns was there before ownership was tracked; all of it is put down to those times.
function ownersOf({ live, definition, schemas, subresource, now }: Application): Owners {
  const owners = decodeOwners(live?.metadata.managedFields);
  if (typeof owners === 'string') throw internal(`failed to decode managed fields: ${owners}`);
  if (live === undefined || owners.size > 0) return owners;
  const delta = compareObjects({}, live, { definition, schemas, ignored: ignoredFields(definition, subresource) });
  if (delta !== undefined) credit(owners, delta, { manager: 'before-first-apply', apiVersion: live.apiVersion, subresource, now });
  return owners;
}

/** As it is to be stored. */
function settled(tree: unknown, { keepsNulls = false }: { keepsNulls?: boolean | undefined }): unknown {
  const result = copyTree(tree);
  if (!keepsNulls || !isMembers(result)) return dropNulls(result);
  dropNulls(result['metadata']);
  return result;
}

type Outcome = { tree: unknown; owners: Owners } | { conflicts: Conflict[] };

function attempt({ live, applied, manager, force, definition, schemas, subresource, versions, keepsNulls, now }: Application, { liveTree, owners }: { liveTree: Members; owners: Owners }): Outcome {
  const typed: Typed = { shape: rootShape(definition), schemas };
  const apply: Owner = { manager, operation: 'Apply', apiVersion: applied.apiVersion, subresource, fields: undefined };
  const identity = identityOf(apply);
  const previous = owners.get(identity);
  const fields = without(fieldsOf(applied, typed), resetFields(definition, subresource));
  owners.set(identity, { ...apply, time: previous?.time, fields });
  const merged = mergeTrees(liveTree, applied, typed);
  const tree = pruned(merged, { typed, last: previous?.fields, owners });
  const delta = compareObjects(liveTree, isMembers(tree) ? tree : {}, { definition, schemas, ignored: ignoredFields(definition, subresource) });
  if (delta !== undefined) {
    const deltaIn = deltasOf({ live, next: tree as KubeObject, delta, apiVersion: applied.apiVersion, versions, schemas, subresource });
    const conflicts = conflictsOf(owners, deltaIn, identity);
    if (conflicts.length > 0 && !force) return { conflicts };
    disown(owners, deltaIn, identity);
  }
  const owned = difference(without(fields, UNOWNED), { 'f:metadata': LEAF });
  const time = sameJson(liveTree, settled(tree, { keepsNulls })) ? previous?.time : formatTime(now);
  if (owned === undefined) owners.delete(identity);
  else owners.set(identity, { ...apply, fields: owned, time, ...(previous?.entry !== undefined && { entry: previous.entry }) });
  return { tree, owners };
}

/** Takes out what the manager applied before and does not apply now, except for what anybody owns, and what was never its own. */
function pruned(merged: unknown, { typed, last, owners }: { typed: Typed; last: FieldSet; owners: Owners }): unknown {
  if (last === undefined) return merged;
  const named = (set: FieldSet): FieldSet => withNamedFields(set, typed);
  const all = named(fieldsOf(merged, typed));
  const bare = removeFields(merged, named(last), typed);
  const owned = [...owners.values()].reduce<FieldSet>((sum, { fields }) => union(sum, fields), undefined);
  const kept = union(named(fieldsOf(bare, typed)), named(owned));
  const withOwned = removeFields(merged, difference(all, kept), typed);
  const gone = difference(all, named(fieldsOf(withOwned, typed)));
  return removeFields(merged, intersection(gone, named(last)), typed);
}

/** The set without the fields named, and all below them. */
function without(set: FieldSet, names: Ignored): FieldSet {
  if (set === undefined) return undefined;
  const result: Record<string, FieldNode> = { ...set };
  for (const [parent, members] of Object.entries(names)) {
    const place = parent === '' ? result : { ...result[`f:${parent}`] };
    for (const member of members) delete place[`f:${member}`];
    if (parent === '' || result[`f:${parent}`] === undefined) continue;
    if (Object.keys(place).length > 0) result[`f:${parent}`] = place;
    else delete result[`f:${parent}`];
  }
  return Object.keys(result).length === 0 ? undefined : result;
}

function withoutManagedFields(live: KubeObject | undefined): Members {
  if (live === undefined) return {};
  const { managedFields: _, ...metadata } = live.metadata;
  return { ...live, metadata };
}

function describe({ apiVersion, kind, metadata }: KubeObject): string {
  const { group, version } = parseApiVersion(apiVersion);
  return `${metadata?.namespace ?? ''}/${metadata?.name ?? ''}; ${group}/${version}, Kind=${kind}`;
}
