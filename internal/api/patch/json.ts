// JSON patch (RFC 6902) as the API server applies it, that is as github.com/evanphx/json-patch does: replacing a member that is
// missing adds it, negative indices count from the end, text before the first slash of a path does not count.
// An operation that fails answers 422 without saying why, as upstream does; the reason is kept as the error's cause.
// Changes and gives the document (another value where a `replace` of the whole says so); on failure it may be half changed.
import { checkDepth } from '../json.ts';
import { sameJson } from '../json-equality.ts';
import { StatusError } from '../../base/errors.ts';
import { copyTree, define, dropNulls, isMembers, own, type Members } from './members.ts';
import { goType, unprocessable } from './strategic-schema.ts';

const OPERATIONS_MAX = 10_000;
/** Of all copies together: each can double the document. Upstream's default. */
const COPIED_BYTES_MAX = 3 * 1024 * 1024;

/** The value under change, held so that it can be replaced as a whole. */
interface Root { value: unknown; copiedBytes: number }
type Container = Members | unknown[];
type Operation = Members;

/** `keepsNulls`: of custom resources, which may say null. */
export function applyJsonPatch(document: unknown, operations: unknown, { keepsNulls = false }: { keepsNulls?: boolean } = {}): unknown {
  checkOperations(operations);
  const root: Root = { value: document, copiedBytes: 0 };
  try {
    for (const operation of operations) applyOperation(root, operation);
  } catch (error) {
    if (error instanceof PatchFailure) throw unprocessable(error);
    throw error;
  }
  checkDepth(root.value);
  return keepsNulls ? root.value : dropNulls(root.value); // a member set to null is absent, once decoded
}

class PatchFailure extends Error {}
/** A `test` operation that found something else: callers may mean no harm by it. */
class FailedTest extends PatchFailure {}

/** Whether that is what a failed patch has as its cause. */
export function isFailedTest(cause: unknown): boolean {
  return cause instanceof FailedTest;
}

function checkOperations(operations: unknown): asserts operations is Operation[] {
  const decoding = (what: string): StatusError => new StatusError('BadRequest', `error decoding patch: json: cannot unmarshal ${what}`);
  if (!Array.isArray(operations)) throw decoding(`${jsonType(operations)} into Go value of type []handlers.jsonPatchOp`);
  for (const operation of operations as unknown[]) {
    if (!isMembers(operation)) throw decoding(`${jsonType(operation)} into Go value of type handlers.jsonPatchOp`);
    for (const name of ['op', 'path', 'from']) {
      const value = own(operation, name);
      if (value !== undefined && value !== null && typeof value !== 'string') throw decoding(`${jsonType(value)} into Go struct field jsonPatchOp.${name} of type string`);
    }
  }
  if (operations.length > OPERATIONS_MAX) {
    throw new StatusError('RequestEntityTooLarge', `Request entity too large: The allowed maximum operations in a JSON patch is ${String(OPERATIONS_MAX)}, got ${String(operations.length)}`);
  }
}

function jsonType(value: unknown): string {
  const type = goType(value);
  return ({ 'map[string]interface {}': 'object', '[]interface {}': 'array', int64: 'number', float64: 'number' })[type] ?? type;
}

function applyOperation(root: Root, operation: Operation): void {
  const op = own(operation, 'op');
  switch (op) {
    case 'add': return add(target(root, operation, 'path'), valueOf(operation));
    case 'remove': return remove(target(root, operation, 'path'));
    case 'replace': return replace(root, operation);
    case 'move': {
      const from = target(root, operation, 'from');
      const value = read(from);
      remove(from);
      return add(target(root, operation, 'path'), value);
    }
    case 'copy': {
      const value = copyTree(read(target(root, operation, 'from')));
      root.copiedBytes += JSON.stringify(value)?.length ?? 0;
      if (root.copiedBytes > COPIED_BYTES_MAX) throw new PatchFailure(`Unable to complete the copy, the accumulated size increase of copy is ${String(root.copiedBytes)}, exceeding the limit ${String(COPIED_BYTES_MAX)}`);
      return add(target(root, operation, 'path'), value);
    }
    case 'test': return test(root, operation);
    default: throw new PatchFailure(`Unexpected kind: ${typeof op === 'string' ? op : 'unknown'}`);
  }
}

function replace(root: Root, operation: Operation): void {
  if (own(operation, 'path') === '') {
    const value = valueOf(operation);
    if (typeof value !== 'object' || value === null) throw new PatchFailure('replace operation value must be object or array');
    root.value = value;
    return;
  }
  const { container, key, path } = target(root, operation, 'path');
  if (Array.isArray(container)) container[place(container, key, path)] = valueOf(operation);
  else define(container, key, valueOf(operation));
}

function test(root: Root, operation: Operation): void {
  const path = own(operation, 'path');
  const found = path === '' ? root.value : read(target(root, operation, 'path'));
  if (!sameJson(found ?? null, own(operation, 'value') ?? null)) throw new FailedTest(`testing value ${String(path)} failed: test failed`);
}

// A patch may be applied again, and its values are not to be changed by later operations.
function valueOf(operation: Operation): unknown {
  return copyTree(own(operation, 'value') ?? null);
}

interface Target { container: Container; key: string; path: string }

/** As upstream's library says it of each operation. */
function missing(op: unknown, member: 'path' | 'from', path: string): string {
  if (op === 'add' || op === 'remove') return `${op} operation does not apply: doc is missing path: "${path}"`;
  if (op === 'test') return `test operation does not apply: is missing path: ${path}`;
  const place = op === 'replace' ? 'path' : member === 'from' ? 'from path' : 'destination path';
  return `${String(op)} operation does not apply: doc is missing ${place}: ${path}`;
}

function target(root: Root, operation: Operation, member: 'path' | 'from'): Target {
  const path = own(operation, member);
  if (typeof path !== 'string') throw new PatchFailure(`operation missing ${member} field: missing value`);
  const [, ...parts] = path.split('/').map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
  const key = parts.pop();
  let container = root.value;
  for (const part of parts) {
    container = Array.isArray(container) ? (container as unknown[])[place(container, part, path)] : isMembers(container) ? own(container, part) : undefined;
  }
  if (key === undefined || typeof container !== 'object' || container === null) throw new PatchFailure(`${missing(own(operation, 'op'), member, path)}: missing value`);
  return { container: container as Container, key, path };
}

function read({ container, key, path }: Target): unknown {
  return Array.isArray(container) ? container[place(container, key, path)] : own(container, key);
}

function add({ container, key, path }: Target, value: unknown): void {
  if (!Array.isArray(container)) define(container, key, value);
  else if (key === '-') container.push(value);
  else container.splice(place(container, key, path, container.length + 1), 0, value);
}

function remove({ container, key, path }: Target): void {
  if (Array.isArray(container)) container.splice(place(container, key, path), 1);
  else if (Object.hasOwn(container, key)) delete container[key];
  else throw new PatchFailure(`error in remove for path: '${path}': Unable to remove nonexistent key: ${key}: missing value`);
}

/** The index that a part of a path means; `size` is the number of places there are. */
function place(list: unknown[], key: string, path: string, size = list.length): number {
  if (!/^[+-]?\d+$/.test(key)) throw new PatchFailure(`error for path: '${path}': value was not a proper array index: '${key}'`);
  const index = Number(key);
  if (index >= size || index < -size) throw new PatchFailure(`error for path: '${path}': Unable to access invalid index: ${key}: invalid index referenced`);
  return index < 0 ? index + size : index;
}
