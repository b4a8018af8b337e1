// Strategic merge patch: JSON merge patch that knows from the schema which lists merge by key, with directives in the patch:
// `$patch`, `$retainKeys`, `$setElementOrder/<list>`, `$deleteFromPrimitiveList/<list>`. Behaviour and error texts are those of
// k8s.io/apimachinery's strategicpatch. Changes and gives `document`; the patch is left as it is, for it may be applied again.
import { StatusError } from '../../base/errors.ts';
import type { Definition, Schemas } from '../schema.ts';
import { copyTree, define, dropNulls, isMembers, own, type Members } from './members.ts';
import { checkOrder, mergeLists, ordered } from './strategic-list.ts';
import { badFormat, elementOf, fieldOf, wrongType, type Place } from './strategic-schema.ts';

const DIRECTIVE = '$patch';
const RETAIN_KEYS = '$retainKeys';
const ORDER_PREFIX = '$setElementOrder/';
const DELETE_PREFIX = '$deleteFromPrimitiveList/';

export function applyStrategicMerge(definition: Definition, document: unknown, patch: unknown, schemas: Schemas): unknown {
  if (!isMembers(patch)) throw new StatusError('BadRequest', 'json: cannot unmarshal a patch that is no object into Go value of type map[string]interface {}');
  return mergeMembers(isMembers(document) ? document : {}, copyTree(patch) as Members, { type: { type: 'object', definition: definition.id }, schemas, definition });
}

// From here on the patch is our copy and is used up.
function mergeMembers(target: Members, patch: Members, place: Place): Members {
  const directive = own(patch, DIRECTIVE);
  if (directive !== undefined) return directed(directive, patch);
  retainKeys(target, patch);
  const done = mergeOrdered(target, patch, place);
  for (const [key, value] of Object.entries(patch)) {
    if (!done.has(key)) mergeMember(target, { key, value }, place);
  }
  return target;
}

function directed(directive: unknown, patch: Members): Members {
  if (directive === 'delete') return {};
  if (directive !== 'replace') throw wrongType.patch(directive, patch);
  delete patch[DIRECTIVE];
  dropNulls(patch);
  return patch;
}

function retainKeys(target: Members, patch: Members): void {
  const listed = own(patch, RETAIN_KEYS);
  if (listed === undefined) return;
  delete patch[RETAIN_KEYS];
  if (!Array.isArray(listed)) throw badFormat('retainKeys');
  const kept = new Set<unknown>(listed);
  for (const [key, value] of Object.entries(patch)) {
    if (value === null || key.startsWith(DELETE_PREFIX) || key.startsWith(ORDER_PREFIX)) continue;
    if (!kept.has(key)) throw badFormat('retainKeys');
  }
  for (const key of Object.keys(target)) if (!kept.has(key)) delete target[key];
}

function mergeMember(target: Members, { key, value }: { key: string; value: unknown }, place: Place): void {
  const deletes = key.startsWith(DELETE_PREFIX);
  const name = deletes ? key.slice(DELETE_PREFIX.length) : key;
  if (value === null) return void delete target[name];
  const current = own(target, name);
  const bothMembers = isMembers(current) && isMembers(value);
  const bothLists = Array.isArray(current) && Array.isArray(value);
  if (!bothMembers && !bothLists) {
    if (!deletes) take(target, name, value);
    return;
  }
  const field = fieldOf(place, name);
  if (bothMembers) define(target, name, field.strategy === 'replace' ? dropNulls(value) : mergeMembers(current, value, field.place));
  else if (bothLists) define(target, name, mergeList(current, value, { place, name, deletes }));
}

// A value that meets nothing of its shape is taken whole, without nulls and without items that are directives.
function take(target: Members, name: string, value: unknown): void {
  dropNulls(value);
  if (isMembers(value) && Object.hasOwn(value, DIRECTIVE)) delete target[name];
  else define(target, name, withoutDirectives(value));
}

function mergeList(current: unknown[], patch: unknown[], { place, name, deletes = false }: { place: Place; name: string; deletes?: boolean }): unknown[] {
  const { strategy, mergeKey, element } = elementOf(place, name);
  if (strategy !== 'merge' && !deletes) return dropNulls(patch);
  return mergeLists(current, patch, { mergeKey, deletes, elementKind: element.type.type, merge: (item, change) => mergeMembers(item, change, element) });
}

/** Lists whose order the patch gives, merged and ordered; gives the members of the patch that are done with. */
function mergeOrdered(target: Members, patch: Members, place: Place): ReadonlySet<string> {
  const done = new Set<string>();
  for (const [key, order] of Object.entries(patch)) {
    if (!key.startsWith(ORDER_PREFIX)) continue;
    const name = key.slice(ORDER_PREFIX.length);
    done.add(key);
    const current = listIn(target, name);
    const change = listIn(patch, name);
    if (!Array.isArray(order)) throw wrongType.list(order);
    const { mergeKey } = elementOf(place, name);
    checkOrder(change ?? [], order, mergeKey);
    if (current === undefined && change === undefined) continue;
    const merged = change === undefined ? (current ?? []) : current === undefined ? (withoutDirectives(dropNulls(change)) as unknown[]) : mergeList(current, change, { place, name });
    define(target, name, ordered(merged, { order, live: current ?? [], patch: change ?? [], mergeKey }));
    done.add(name);
  }
  return done;
}

function listIn(members: Members, name: string): unknown[] | undefined {
  const value = own(members, name);
  if (value === undefined || Array.isArray(value)) return value;
  throw wrongType.list(value);
}

function withoutDirectives(value: unknown): unknown {
  if (Array.isArray(value)) return value.filter((item) => !isDirective(item)).map(withoutDirectives);
  if (!isMembers(value)) return value;
  for (const [key, child] of Object.entries(value)) {
    if (isDirective(child)) delete value[key];
    else define(value, key, withoutDirectives(child));
  }
  return value;
}

function isDirective(value: unknown): boolean {
  return isMembers(value) && Object.hasOwn(value, DIRECTIVE);
}
