// What the server must know of a kind. The generated table (generated/) says what upstream's discovery and OpenAPI say: names, scope,
// verbs, schema, defaults, columns. A file in this folder adds what they cannot: one kind, one file, exporting its rules, listed in
// index.ts. A kind without a file is served by the table alone. All hooks are pure and synchronous; drafts may be changed in place,
// `old` objects are frozen.
import type { KubeObject } from '../api/meta.ts';
import type { FieldError } from '../api/field-error.ts';
import type { RowCondition } from '../api/table.ts';
import type { UserInfo } from '../api/user.ts';

/** One Table column, as upstream's printers define it. Priority 0 shows always, 1 with `-o wide`. */
export interface Column {
  name: string;
  type: 'string' | 'integer' | 'number' | 'boolean' | 'date';
  format: string;
  priority: number;
  description?: string;
}
export type Cell = string | number | bigint | boolean | null;

export interface Subresource {
  /** 'status', 'scale', 'eviction', … */
  name: string;
  /** What it reads or takes, e.g. autoscaling/v1 Scale. */
  group: string;
  version: string;
  kind: string;
  verbs: readonly string[];
}

/** A served resource: the table's facts with the kind's rules. `internal/kinds/index.ts` has the one list. */
export interface Kind<T extends KubeObject = KubeObject> {
  group: string;
  version: string;
  kind: string;
  resource: string;
  singular: string;
  shortNames: readonly string[];
  categories: readonly string[];
  namespaced: boolean;
  verbs: readonly string[];
  subresources: readonly Subresource[];
  /** Definition id in the schema table, e.g. `io.k8s.api.core.v1.Pod`. */
  schema: string;
  columns: readonly Column[];
  rules: KindRules<T>;
  /** Of its lists, where it is not the kind with `List` after it. */
  listKind?: string;
  /** Its objects are made when asked for, all of them at once; nothing is stored, and it has no verbs but get and list. */
  made?(): Promise<readonly KubeObject[]>;
  /** Set for kinds that come and go at run time. */
  custom?: CustomKind;
}

/** What is only of custom resources. */
export interface CustomKind {
  /** Aborted when the kind is no longer served, or served differently: watches of it end. */
  retired: AbortSignal;
  storageVersion: string;
  /** Those that there are, served or not. */
  versions: readonly string[];
  /** Its definition is being deleted: nothing new is let in. */
  terminating: boolean;
  /** Warned of at every use, for versions that are deprecated. */
  deprecation?: string;
  /** JSON paths of the scale subresource, `.spec.replicas`; `replicasPaths` by each version of the kind, null where it has none. */
  scale?: { specReplicasPath: string; statusReplicasPath: string; labelSelectorPath?: string; replicasPaths: Readonly<Record<string, string | null>> };
  /** Its published schemas. */
  openApi(dialect: 'v2' | 'v3'): { object: Record<string, unknown>; list: Record<string, unknown> };
}

/** What validation and preparation may need to know beyond the object. */
export interface RuleContext {
  /** Epoch ms. */
  now: number;
  /** Names a client gave (`metadata.name` of pods etc. are checked with it). */
  user: string;
  /** Who writes, in full. */
  identity?: UserInfo;
  /** Tells the client what `warnings` cannot tell from the object, as it was changed by then. */
  warn?(message: string): void;
}

export interface KindStorage<T extends KubeObject = KubeObject> {
  group: string;
  resource: string;
  encode(object: T): KubeObject | Promise<KubeObject>;
  decode(stored: KubeObject): T;
  /** For kinds whose decoding takes a call to somebody else: resolves when these can be decoded. undefined: they can already. */
  ready?(stored: readonly KubeObject[]): Promise<void> | undefined;
}

export interface KindRules<T extends KubeObject = KubeObject> {
  /** Default durable. Relaxed: kept in memory, flushed every ten minutes and at stop (Events, Leases). */
  durability?: 'durable' | 'relaxed';
  /** Where objects are stored when not under the kind's own group and resource (events.k8s.io/v1 → core events). Converters map whole objects. */
  storage?: KindStorage<T>;
  /** Which values `metadata.name` may have; default DNS-1123 subdomain. Returns messages, [] when fine. */
  validateName?(name: string, prefix: boolean): string[];
  /** Finalizers need no domain: upstream's servers beside the main one (custom resources and their definitions) only warn. */
  plainFinalizers?: boolean;
  /** Sees the draft as it was given, before what is empty is dropped; what it gives puts back what counts as given (and is refused, at the latest by admission of what is `isNew`). */
  keepEmpty?(draft: T, isNew: boolean): (() => void) | undefined;
  /** Defaults that the schema table cannot say (one field depending on another), after the table's own. */
  applyDefaults?(draft: T): void;
  /** Drops what a client may not set at create (status), sets initial values. The registry itself handles metadata. */
  prepareForCreate?(draft: T, context: RuleContext): void;
  /** Keeps what an update of the object itself may not change (status), and derived fields. `generation` is bumped by the registry when spec changed. */
  prepareForUpdate?(draft: T, old: T, context: RuleContext): void;
  /** For PUT/PATCH of /status: by default the registry takes `status` and the metadata from the draft, as upstream. */
  prepareForStatusUpdate?(draft: T, old: T, context: RuleContext): void;
  /** For writes through other subresources (approval), before `validatePart`. */
  prepareForPartUpdate?(subresource: string, draft: T, old: T, context: RuleContext): void;
  /** After schema validation (types, required, enums) has passed. Collects every problem. Messages are upstream's. */
  validate?(object: T, context: RuleContext): FieldError[];
  /** What only new objects are held to: updates are judged by what they change. */
  validateCreate?(object: T, context: RuleContext): FieldError[];
  validateUpdate?(object: T, old: T, context: RuleContext): FieldError[];
  /** What an update may not change is told before what is wrong with the object itself; else after. */
  changesFirst?: true;
  validateStatusUpdate?(object: T, old: T, context: RuleContext): FieldError[];
  /** For subresources that write a part of the spec (ephemeralcontainers, resize), beside `validate`. */
  validatePart?(subresource: string, object: T, old: T): FieldError[];
  /** Warnings (HTTP Warning headers) that upstream gives for deprecated or doubtful fields. */
  warnings?(object: T, old?: T): string[];
  /** One row of the Table: cells in the order of `columns`. Default: name and age. */
  cells?(object: T, now: number): Cell[];
  /** What its row says of it besides. */
  rowConditions?(object: T): readonly RowCondition[] | undefined;
  /** Order of a list's rows, where it is not the list's. */
  compareRows?(a: T, b: T): number;
  /** Field-selector fields beyond metadata.name and metadata.namespace. */
  selectableFields?(object: T): Record<string, string>;
  /** true: `metadata.generation` is kept (1 at create, +1 when anything but metadata and status changes). Default: whether the kind has a `spec` and a status subresource. `at creation`: 1 for good; `by updates`: none until the first. */
  tracksGeneration?: boolean | 'labels too' | 'annotations too' | 'at creation' | 'by updates';
  /** Update may create (PUT to a name that does not exist): Lease, Endpoints, Event, …. Default false. */
  allowCreateOnUpdate?: boolean;
  /** PUT without resourceVersion is allowed. Default true as upstream's for most; false: Invalid "must be specified for an update". */
  allowUnconditionalUpdate?: boolean;
  /** Deletion was asked for: what the object gets (finalizers, status) besides its mark; with finalizers it stays until they are gone. */
  prepareForDelete?(draft: T, context: { now: number }): void;
  /** Graceful deletion: seconds to keep the object with deletionTimestamp before removal; 0 or undefined: removed at once. */
  gracePeriodSeconds?(object: T, requested: number | undefined): number | undefined;
  /** Propagation when the client says nothing. Default background. */
  defaultPropagation?: 'Orphan' | 'Background';
}
