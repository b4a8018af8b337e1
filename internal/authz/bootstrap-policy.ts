// What a fresh cluster holds before anyone asks: roles, bindings, priority classes, and the other objects upstream makes at its start. Made
// where missing; roles and bindings that are marked for it are given back what they lost, as upstream reconciles them.
import { isReason } from '../base/errors.ts';
import { apiVersionOf, copy, objectKey, type KubeObject } from '../api/meta.ts';
import { MASTERS_GROUP } from '../api/user.ts';
import { BOOTSTRAP_JSON } from '../kinds/generated/bootstrap.ts';
import type { Kinds } from '../kinds/index.ts';
import type { Kind } from '../kinds/kind.ts';
import type { Registry, WriteContext } from '../registry/registry.ts';
import { missingRules } from './rule-cover.ts';
import type { PolicyRule } from './rbac.ts';

const AUTOUPDATE = 'rbac.authorization.kubernetes.io/autoupdate';
const USER = { username: 'system:apiserver', groups: [MASTERS_GROUP] };
const RBAC = 'rbac.authorization.k8s.io';
type Held = KubeObject & { rules?: PolicyRule[]; subjects?: { kind: string; name: string; namespace?: string }[] };

export interface BootstrapOptions {
  registry: Registry;
  kinds: Kinds;
}

/** Namespaces first, as roles live in them. Resolves when everything is stored: one flush, as all are written at once. */
export async function bootstrapPolicy({ registry, kinds }: BootstrapOptions): Promise<void> {
  const context: WriteContext = { user: USER, dryRun: false, subresource: '' };
  const namespaces = kinds.byResource('', 'v1', 'namespaces');
  if (namespaces !== undefined) await Promise.all(NAMESPACES.map((name) => ensure(registry, namespaces, { metadata: { name } } as KubeObject, context)));
  const work: Promise<void>[] = [];
  for (const [path, objects] of Object.entries(JSON.parse(BOOTSTRAP_JSON) as Record<string, KubeObject[]>)) {
    const [, , group = '', version = '', resource = ''] = path.split('/');
    const kind = kinds.byResource(group, version, resource);
    if (kind === undefined || !WANTED.has(group)) continue;
    for (const object of objects) work.push(ensure(registry, kind, object, context));
  }
  await Promise.all(work);
}

const NAMESPACES = ['default', 'kube-system', 'kube-public', 'kube-node-lease'];
/** ServiceCIDRs follow our own flags. */
const WANTED: ReadonlySet<string> = new Set([RBAC, 'scheduling.k8s.io', 'flowcontrol.apiserver.k8s.io', 'apiregistration.k8s.io']);

async function ensure(registry: Registry, kind: Kind, wanted: KubeObject, context: WriteContext): Promise<void> {
  const key = objectKey(wanted);
  const found = read(registry, kind, key);
  if (found === undefined) {
    const draft = { ...copy(wanted), apiVersion: apiVersionOf(kind.group, kind.version), kind: kind.kind };
    await registry.create(kind, draft, context).catch((error: unknown) => {
      if (!isReason(error, 'AlreadyExists')) throw error;
    });
    return;
  }
  if (kind.group === RBAC && found.metadata.annotations?.[AUTOUPDATE] === 'true' && lacks(found, wanted)) {
    await registry.update(kind, key, (current) => reconciled(current as Held, wanted), context);
  }
}

function read(registry: Registry, kind: Kind, key: { namespace: string; name: string }): KubeObject | undefined {
  try {
    return registry.get(kind, key);
  } catch (error) {
    if (isReason(error, 'NotFound')) return undefined;
    throw error;
  }
}

function lacks(found: Held, wanted: Held): boolean {
  return missingRules(found.rules ?? [], wanted.rules ?? []).length > 0 || missingSubjects(found, wanted).length > 0;
}

function missingSubjects({ subjects: held = [] }: Held, { subjects = [] }: Held): NonNullable<Held['subjects']> {
  return subjects.filter((one) => !held.some((other) => other.kind === one.kind && other.name === one.name && other.namespace === one.namespace));
}

function reconciled(current: Held, wanted: Held): KubeObject {
  const next = copy(current);
  const rules = (wanted.rules ?? []).filter((rule) => missingRules(current.rules ?? [], [rule]).length > 0);
  if (rules.length > 0) next.rules = [...(next.rules ?? []), ...rules];
  const subjects = missingSubjects(current, wanted);
  if (subjects.length > 0) next.subjects = [...(next.subjects ?? []), ...subjects];
  return next;
}
