// The form in which a client wants an answer shown: the object itself, a Table, or its metadata alone.
import { StatusError } from '../base/errors.ts';
import { objectAge } from '../api/age.ts';
import type { KubeObject } from '../api/meta.ts';
import { partialMetadata, tableOf, type Tabular } from '../api/table.ts';
import type { Kind } from '../kinds/kind.ts';
import { goPackage } from './field-validation.ts';
import { isPretty, negotiate, type Form } from './negotiate.ts';
import type { HttpRequest } from './respond.ts';
import type { RequestInfo } from './route.ts';

export function formOf(request: HttpRequest, kind: Kind, { info: { verb }, query }: { info: RequestInfo; query: URLSearchParams | undefined }): Form {
  // Reviews and the like have no rows to show.
  const readable = kind.verbs.includes('get') || kind.verbs.includes('list');
  return negotiate(request.headers.accept, { protobuf: kind.custom === undefined, verb, pretty: isPretty({ query, userAgent: request.headers['user-agent'] }) }, () => readable);
}

export function transformed(answer: unknown, { kind, form, query, now, columnsShown = true }: { kind: Kind; form: Form; query: URLSearchParams | undefined; now: number; columnsShown?: boolean }): unknown {
  const { as, version } = form;
  if (as === undefined || (answer as KubeObject).kind === 'Status') return answer;
  if (as !== 'Table') return metadataOf(answer as KubeObject, { as, version, kind });
  const wanted = query?.get('includeObject') || 'Metadata';
  if (!['None', 'Metadata', 'Object'].includes(wanted)) throw new StatusError('BadRequest', `Unable to convert to Table as requested: includeObject: Invalid value: ${JSON.stringify(wanted)}: must be 'Metadata', 'Object', 'None', or empty`);
  return tableOf((answer as KubeObject).kind === 'Scale' ? (SCALE_ROWS as Tabular<KubeObject>) : kind, answer as KubeObject, { includeObject: wanted as 'Metadata', now, columnsShown, version });
}

function metadataOf(answer: KubeObject, { as, version, kind: { group, kind, custom } }: { as: 'PartialObjectMetadata' | 'PartialObjectMetadataList'; version: string; kind: Kind }): object {
  const isList = 'items' in answer && Array.isArray(answer.items);
  if (isList === (as === 'PartialObjectMetadataList')) return partialMetadata(answer, version);
  const type = custom === undefined ? `${goPackage(group)}.${kind}` : 'unstructured.Unstructured';
  throw new StatusError('NotAcceptable', `you requested ${as}, but the requested object is ${isList ? 'a list' : 'not a list'} (*${type}${isList ? 'List' : ''})`);
}

interface ScaleObject extends KubeObject {
  spec?: { replicas?: number };
  status?: { replicas?: number };
}

const SCALE_ROWS: Tabular<ScaleObject> = {
  columns: [['Name', 'string'], ['Desired', 'integer'], ['Available', 'integer'], ['Age', 'string']].map(([name = '', type = '']) => ({ name, type, format: '', priority: 0 })),
  rules: { cells: (object, now) => [object.metadata.name, object.spec?.replicas ?? 0, object.status?.replicas ?? 0, objectAge(object, now)] },
};
