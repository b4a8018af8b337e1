// The one list of kinds with rules of their own, and the lookup of every resource the server serves by default. Facts (names, verbs,
// subresources, columns) come from the generated table; a kind that is not listed below is served by the table alone.
// Adding rules to a kind: one file beside this one, one line here.
import type { Schemas } from '../api/schema.ts';
import type { Unstructured } from '../api/meta.ts';
import type { Kind, KindRules } from './kind.ts';
import { KINDS_JSON, type KindFacts } from './generated/kinds.ts';
import { clusterRole } from './clusterrole.ts';
import { clusterRoleBinding } from './clusterrolebinding.ts';
import { configMap } from './configmap.ts';
import { deployment } from './deployment.ts';
import { endpoints } from './endpoints.ts';
import { endpointSlice } from './endpointslice.ts';
import { event } from './event.ts';
import { eventsEvent } from './events-event.ts';
import { lease } from './lease.ts';
import { namespace } from './namespace.ts';
import { node } from './node.ts';
import { pod } from './pod.ts';
import { priorityClass } from './priorityclass.ts';
import { replicaSet } from './replicaset.ts';
import { role } from './role.ts';
import { roleBinding } from './rolebinding.ts';
import { secret } from './secret.ts';
import { service } from './service.ts';
import { serviceAccount } from './serviceaccount.ts';
import { nameAndAge, nameAndCreation } from './cells.ts';

/** `group/Kind`, or `group/version/Kind` where versions differ. */
const RULES: Readonly<Record<string, KindRules>> = {
  '/ConfigMap': configMap,
  '/Endpoints': endpoints,
  '/Event': event,
  '/Namespace': namespace,
  '/Node': node,
  '/Pod': pod,
  '/Secret': secret,
  '/Service': service,
  '/ServiceAccount': serviceAccount,
  'apps/Deployment': deployment,
  'apps/ReplicaSet': replicaSet,
  'coordination.k8s.io/Lease': lease,
  'discovery.k8s.io/EndpointSlice': endpointSlice,
  'events.k8s.io/Event': eventsEvent,
  'rbac.authorization.k8s.io/ClusterRole': clusterRole,
  'rbac.authorization.k8s.io/ClusterRoleBinding': clusterRoleBinding,
  'rbac.authorization.k8s.io/Role': role,
  'rbac.authorization.k8s.io/RoleBinding': roleBinding,
  'scheduling.k8s.io/PriorityClass': priorityClass,
};

export interface Kinds {
  /** In discovery's order. */
  all(): readonly Kind[];
  byResource(group: string, version: string, resource: string): Kind | undefined;
  byKind(group: string, version: string, kind: string): Kind | undefined;
  /** At the version that discovery names first for the group. */
  preferred(group: string, resource: string): Kind | undefined;
}

export function loadKinds(schemas: Schemas): Kinds {
  const all = (JSON.parse(KINDS_JSON) as KindFacts[]).map((facts) => kindOf(facts, schemas));
  const byResource = new Map<string, Kind>();
  const byKind = new Map<string, Kind>();
  const preferred = new Map<string, Kind>();
  for (const kind of all) {
    const { group, version, resource } = kind;
    byResource.set(`${group}/${version}/${resource}`, kind);
    byKind.set(`${group}/${version}/${kind.kind}`, kind);
    if (!preferred.has(`${group}/${resource}`)) preferred.set(`${group}/${resource}`, kind);
  }
  return {
    all: () => all,
    byResource: (group, version, resource) => byResource.get(`${group}/${version}/${resource}`),
    byKind: (group, version, kind) => byKind.get(`${group}/${version}/${kind}`),
    preferred: (group, resource) => preferred.get(`${group}/${resource}`),
  };
}

function kindOf(facts: KindFacts, schemas: Schemas): Kind {
  const { group, version, kind } = facts;
  const schema = facts.schema === '' ? (schemas.byKind(group, version, kind)?.id ?? '') : facts.schema;
  const own = RULES[`${group}/${version}/${kind}`] ?? RULES[`${group}/${kind}`] ?? {};
  const hasStatus = facts.subresources.some(({ name }) => name === 'status');
  return { ...facts, schema, rules: { cells: facts.columns[1]?.type === 'date' ? nameAndCreation : nameAndAge, ...(hasStatus && { prepareForCreate: dropStatus }), ...own } };
}

/** What every strategy with a status does at create, unless the kind's own rules say more. */
function dropStatus(draft: object): void {
  delete (draft as Unstructured).status;
}
