// The facts of upstream's API as the generator reads them: the shapes of its OpenAPI documents, discovery, columns and wire numbers.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

export interface Gvk {
  group: string;
  version: string;
  kind: string;
}

/** A schema of OpenAPI v2 or v3, as far as upstream uses it. */
export interface Schema {
  type?: string;
  format?: string;
  $ref?: string;
  allOf?: Schema[];
  oneOf?: Schema[];
  items?: Schema;
  additionalProperties?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
  enum?: string[];
  default?: unknown;
  'x-kubernetes-group-version-kind'?: Gvk[];
  'x-kubernetes-list-type'?: string;
  'x-kubernetes-list-map-keys'?: string[];
  'x-kubernetes-map-type'?: string;
  'x-kubernetes-patch-merge-key'?: string;
  'x-kubernetes-patch-strategy'?: string;
  'x-kubernetes-unions'?: unknown;
}

export interface OpenApiV2 {
  definitions: Record<string, Schema>;
  paths: Record<string, Record<string, unknown>>;
}
export interface OpenApiV3 {
  components: { schemas?: Record<string, Schema> };
  paths: Record<string, Record<string, unknown>>;
}

export interface DiscoveredResource {
  resource: string;
  responseKind?: Gvk;
  scope: 'Namespaced' | 'Cluster';
  singularResource: string;
  shortNames?: string[];
  categories?: string[];
  verbs: string[];
  subresources?: { subresource: string; responseKind?: Gvk; verbs: string[] }[];
}
export interface DiscoveredGroup {
  metadata: { name?: string };
  versions: { version: string; resources: DiscoveredResource[] }[];
}
export interface Column {
  name: string;
  type: string;
  format: string;
  priority: number;
}
/** `[number, name, 'optional' | 'repeated' | 'map', type]`; a map's type is `key,value`. */
export type WireField = [number: number, name: string, label: string, type: string];

export interface Facts {
  v2: OpenApiV2;
  v3: Record<string, OpenApiV3>;
  discovery: Record<string, { items: DiscoveredGroup[] }>;
  columns: Record<string, Column[]>;
  bootstrap: Record<string, unknown[]>;
  /** By definition id (`io.k8s.api.core.v1.Pod`). */
  wire: Map<string, WireField[]>;
  /** `Message field` (short names) → JSON name, where it is not the wire's. */
  renamed: Map<string, string>;
}

export function readFacts(folder: string): Facts {
  const read = (name: string): unknown => JSON.parse(gunzipSync(readFileSync(join(folder, `${name}.json.gz`))).toString());
  const wire = Object.entries(read('proto') as Record<string, WireField[]>);
  return {
    v2: read('openapi-v2') as OpenApiV2,
    v3: read('openapi-v3') as Record<string, OpenApiV3>,
    discovery: read('discovery') as Facts['discovery'],
    columns: read('columns') as Facts['columns'],
    bootstrap: read('bootstrap') as Facts['bootstrap'],
    wire: new Map(wire.map(([message, fields]) => [definitionId(message), fields])),
    renamed: readRenamed(join(folder, '../proto-json-quirks.tsv')),
  };
}

/** `k8s.io.api.core.v1.Pod` (protobuf) → `io.k8s.api.core.v1.Pod` (OpenAPI). */
export function definitionId(message: string): string {
  return message.replace(/^k8s\.io\./, 'io.k8s.').replace('.apiextensions_apiserver.', '.apiextensions-apiserver.').replace('.kube_aggregator.', '.kube-aggregator.');
}

function readRenamed(path: string): Map<string, string> {
  const renamed = new Map<string, string>();
  for (const line of readFileSync(path, 'utf8').split('\n')) {
    const [, message, , proto = '', json = ''] = line.split('\t');
    if (proto.startsWith('proto=')) renamed.set(`${message ?? ''} ${proto.slice(6)}`, json.slice(5));
  }
  return renamed;
}
