// The table of requests that both servers are asked, in order: a section is a file, and starts from what the sections before it left.
import type { Row } from './exchange.ts';
import { ADMISSION } from './requests/admission.ts';
import { APPLIES } from './requests/applies.ts';
import { BODIES } from './requests/bodies.ts';
import { CERTIFICATES } from './requests/certificates.ts';
import { CUSTOM } from './requests/custom.ts';
import { DEFINITIONS } from './requests/definitions.ts';
import { DELETIONS } from './requests/deletions.ts';
import { DISCOVERY } from './requests/discovery.ts';
import { DRAFTS } from './requests/drafts.ts';
import { EDGES } from './requests/edges.ts';
import { EVICTIONS } from './requests/evictions.ts';
import { EXTENDING } from './requests/extending.ts';
import { HOOKS } from './requests/hooks.ts';
import { IDENTITY } from './requests/identity.ts';
import { INTEGERS } from './requests/integers.ts';
import { KINDS } from './requests/kinds.ts';
import { LAYOUT } from './requests/layout.ts';
import { MISTAKES } from './requests/mistakes.ts';
import { NEGOTIATION } from './requests/negotiation.ts';
import { NODES } from './requests/nodes.ts';
import { OPENAPI } from './requests/openapi.ts';
import { OPTIONS } from './requests/options.ts';
import { PAGES } from './requests/pages.ts';
import { PERMISSIONS } from './requests/permissions.ts';
import { POLICIES } from './requests/policies.ts';
import { PROTOBUFS } from './requests/protobuf.ts';
import { READS } from './requests/reads.ts';
import { RULES } from './requests/rules.ts';
import { SCALES } from './requests/scales.ts';
import { SETUP } from './requests/setup.ts';
import { STATUSES } from './requests/statuses.ts';
import { SUBRESOURCES } from './requests/subresources.ts';
import { SURFACE } from './requests/surface.ts';
import { TABLES } from './requests/tables.ts';
import { VERSIONS } from './requests/versions.ts';
import { WATCHES } from './requests/watches.ts';
import { WORKLOAD_UPDATES } from './requests/workload-updates.ts';
import { WRITES } from './requests/writes.ts';

export const SECTIONS: Readonly<Record<string, readonly Row[]>> = {
  setup: SETUP,
  discovery: DISCOVERY,
  protobuf: PROTOBUFS,
  openapi: OPENAPI,
  identity: IDENTITY,
  bodies: BODIES,
  writes: WRITES,
  reads: READS,
  subresources: SUBRESOURCES,
  kinds: KINDS,
  custom: CUSTOM,
  extending: EXTENDING,
  applies: APPLIES,
  scales: SCALES,
  integers: INTEGERS,
  mistakes: MISTAKES,
  options: OPTIONS,
  pages: PAGES,
  rules: RULES,
  watches: WATCHES,
  negotiation: NEGOTIATION,
  layout: LAYOUT,
  permissions: PERMISSIONS,
  hooks: HOOKS,
  edges: EDGES,
  policies: POLICIES,
  definitions: DEFINITIONS,
  certificates: CERTIFICATES,
  evictions: EVICTIONS,
  versions: VERSIONS,
  deletions: DELETIONS,
  nodes: NODES,
  admission: ADMISSION,
  surface: SURFACE,
  tables: TABLES,
  drafts: DRAFTS,
  statuses: STATUSES,
  'workload-updates': WORKLOAD_UPDATES,
};
