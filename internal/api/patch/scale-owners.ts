// Who owns the replicas of an object, as its Scale shows it and takes it back: an owner of the object's replicas owns `spec.replicas` of the
// Scale, and whoever a write of the Scale leaves as its owner owns the object's. As upstream (apimachinery's managedfields, ScaleHandler).
import { child, difference, isMember, LEAF, type FieldNode, type FieldSet } from './field-set.ts';
import { decodeOwners, encodeOwners, identityOf, type Owners } from './field-owners.ts';
import { internal } from './strategic-schema.ts';
import type { ManagedFieldsEntry } from '../meta.ts';

/** By the object's versions: where its replicas are (`.spec.replicas`), or null where that version has no scale. */
export type ReplicasPaths = Readonly<Record<string, string | null>>;

const SCALE_VERSION = 'autoscaling/v1';
const REPLICAS: FieldNode = { 'f:spec': { 'f:replicas': LEAF } };

/** The managedFields of the Scale of an object. */
export function scaleEntries(entries: readonly ManagedFieldsEntry[] | undefined, paths: ReplicasPaths): ManagedFieldsEntry[] {
  const owners: Owners = new Map();
  for (const { entry: _, ...owner } of ownersOf(entries).values()) {
    const path = paths[owner.apiVersion];
    if (path === undefined || path === null || !has(owner.fields, path)) continue;
    const shown = { ...owner, apiVersion: SCALE_VERSION, fields: REPLICAS };
    owners.set(identityOf(shown), shown);
  }
  return encodeOwners(owners);
}

/** The managedFields of the object, in its version, after a write of its Scale. */
export function objectEntries(entries: readonly ManagedFieldsEntry[] | undefined, scale: readonly ManagedFieldsEntry[] | undefined, { apiVersion, paths }: { apiVersion: string; paths: ReplicasPaths }): ManagedFieldsEntry[] {
  const before = ownersOf(entries);
  const left = ownersOf(scale);
  const owners: Owners = new Map();
  for (const [identity, owner] of before) {
    const path = paths[owner.apiVersion];
    if (path === undefined) continue; // of a version that there is no more
    if (path === null || !has(owner.fields, path) || left.delete(identity)) owners.set(identity, owner);
    else {
      const fields = difference(owner.fields, setOf(path));
      if (fields !== undefined) owners.set(identity, { ...owner, fields });
    }
  }
  for (const [identity, owner] of left) {
    if (!has(owner.fields, '.spec.replicas')) continue;
    owners.set(identity, { manager: owner.manager, operation: owner.operation, subresource: owner.subresource, apiVersion, time: before.get(identity)?.time, fields: setOf(paths[apiVersion] ?? '.spec.replicas') });
  }
  return encodeOwners(owners);
}

function ownersOf(entries: readonly ManagedFieldsEntry[] | undefined): Owners {
  const owners = decodeOwners(entries);
  if (typeof owners === 'string') throw internal(`failed to decode managed fields: ${owners}`);
  return owners;
}

function namesOf(path: string): string[] {
  return path.replace(/^\./, '').split('.');
}

function has(set: FieldSet, path: string): boolean {
  const node = namesOf(path).reduce<FieldSet>((place, name) => child(place, `f:${name}`), set);
  return node !== undefined && isMember(node);
}

function setOf(path: string): FieldNode {
  return namesOf(path).reduceRight<FieldNode>((below, name) => ({ [`f:${name}`]: below }), LEAF);
}
