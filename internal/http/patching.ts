// What a patch makes of the newest state, and who is recorded as the owner of which fields (metadata.managedFields).
import { isReason, messageOf, notFound, StatusError } from '../base/errors.ts';
import { forbidden, invalid, invalidObject, required } from '../api/field-error.ts';
import { apiVersionOf, copy, parseApiVersion, type KubeObject } from '../api/meta.ts';
import type { Patch, RequestOptions } from '../api/request.ts';
import { recordUpdate, serverSideApply } from '../api/patch/apply.ts';
import { applyJsonPatch } from '../api/patch/json.ts';
import { applyMergePatch } from '../api/patch/merge.ts';
import { applyStrategicMerge } from '../api/patch/strategic.ts';
import type { Definition } from '../api/schema.ts';
import type { OtherVersions } from '../api/patch/other-versions.ts';
import { asWarning, checkObject, goType } from './field-validation.ts';
import type { Kind } from '../kinds/kind.ts';
import type { WriteContext } from '../registry/registry.ts';
import type { Call, PipelineOptions } from './call.ts';

export function patched(options: PipelineOptions, call: Call, { patch, current }: { patch: Patch; current: KubeObject | undefined }): KubeObject {
  checkPatch(patch, call.request.options);
  if (patch.type === 'apply') return applied(options, call, { patch, live: current });
  if (current === undefined) throw notFound(call.kind, call.request.info.name);
  const document = copy(current);
  if (patch.body === null && patch.type !== 'merge') return document; // nothing is said
  switch (patch.type) {
    case 'json': return applyJsonPatch(document, patch.body as never, { keepsNulls: call.kind.custom !== undefined }) as KubeObject;
    case 'merge': return applyMergePatch(document, patch.body as never) as KubeObject;
    // Its fields are put into an object of the kind, which stays of that kind.
    case 'strategic': return { ...(applyStrategicMerge(definitionOf(options, call), document, patch.body as never, options.schemas) as KubeObject), apiVersion: current.apiVersion, kind: current.kind };
  }
}

function applied(options: PipelineOptions, call: Call, { patch, live }: { patch: Patch; live: KubeObject | undefined }): KubeObject {
  const { request: { info, options: { fieldManager = '', force = false } }, kind } = call;
  const given = appliedObject(patch);
  const apiVersion = apiVersionOf(kind.group, kind.version);
  if (given.apiVersion !== apiVersion || given.kind !== kind.kind) throw new StatusError('BadRequest', `invalid object type: ${goVersion(given.apiVersion)}, Kind=${given.kind ?? ''}`);
  if (live === undefined && !given.metadata?.name) throw new StatusError('BadRequest', `the name of the object (${info.name} based on URL) was undeterminable: name must be provided`);
  const named = { ...given, metadata: { ...given.metadata, name: given.metadata?.name ?? info.name } };
  if (named.metadata.name !== info.name) throw new StatusError('BadRequest', `the name of the object (${named.metadata.name}) does not match the name on the URL (${info.name})`);
  const result = serverSideApply({ ...(live !== undefined && { live }), applied: named, said: given, manager: fieldManager, force, definition: definitionOf(options, call), schemas: options.schemas, versions: otherVersions(options, kind), subresource: info.subresource, keepsNulls: kind.custom !== undefined && info.subresource !== 'scale', now: options.clock.now() });
  checkDuplicates(patch, call);
  return result;
}

/** What it says in other types than strings it does not say. */
function appliedObject({ body }: Patch): KubeObject {
  if (typeof body !== 'object' || Array.isArray(body)) throw new StatusError('BadRequest', `error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal ${goType(body)} into Go value of type map[string]interface {}`);
  const { apiVersion, kind, ...rest } = (body ?? {}) as Partial<KubeObject>;
  return { ...(typeof apiVersion === 'string' && { apiVersion }), ...(typeof kind === 'string' && { kind }), ...rest } as KubeObject;
}

/** Keys that a configuration says twice. */
function checkDuplicates({ duplicates = [] }: Patch, { request: { options: { fieldValidation = 'Warn' }, warn } }: Call): void {
  for (const problem of fieldValidation === 'Ignore' ? [] : duplicates) {
    if (fieldValidation === 'Strict') throw new StatusError('BadRequest', `error strict decoding YAML: ${problem}`);
    warn(asWarning(problem));
  }
}

/** Records the fields that a create or update changed under the client's name. */
export function tracker(options: PipelineOptions, call: Call): NonNullable<WriteContext['track']> {
  const { request: { info, options: { fieldManager }, userAgent }, kind } = call;
  const manager = fieldManager ?? (userAgent.split('/')[0] || 'unknown');
  return (next, live) => {
    const definition = options.schemas.get(kind.schema);
    if (definition === undefined) return;
    recordUpdate({ ...(live !== undefined && { live }), next, manager, definition, schemas: options.schemas, versions: otherVersions(options, kind), subresource: info.subresource, now: options.clock.now() });
  };
}

/** Built-in kinds that are served in versions of different fields. Custom versions are converted elsewhere, or have one schema's fields as a rule. */
function otherVersions({ kinds, schemas }: PipelineOptions, { group: ownGroup, version: ownVersion, kind, resource, rules: { storage }, custom }: Kind): OtherVersions {
  const own = apiVersionOf(ownGroup, ownVersion);
  return (apiVersion) => {
    if (apiVersion === own) return 'same';
    const { group, version } = parseApiVersion(apiVersion);
    if (custom !== undefined) return group === ownGroup && custom.versions.includes(version) ? 'same' : 'unreadable';
    if (apiVersion.split('/').length > 2) return 'unreadable';
    const other = kinds.byResource(group, version, resource);
    const definition = other === undefined || other.kind !== kind || other.custom !== undefined ? undefined : schemas.get(other.schema);
    if (definition === undefined) return 'gone';
    const encode = (object: KubeObject): KubeObject => (storage === undefined ? object : (storage.encode(object) as KubeObject)); // built-in kinds convert at once
    return { definition, convert: (object) => other?.rules.storage?.decode(encode(object)) ?? encode(object) };
  };
}

function definitionOf({ schemas }: PipelineOptions, { kind }: Call): Definition {
  const definition = schemas.get(kind.schema);
  if (definition === undefined) throw new StatusError('UnsupportedMediaType', `${kind.kind} has no schema to patch by`);
  return definition;
}

function checkPatch({ type, body }: Patch, { fieldManager = '', force }: RequestOptions): void {
  const options = { group: 'meta.k8s.io', kind: 'PatchOptions' };
  if (type === 'apply' && fieldManager === '') throw invalidObject(options, '', [required('fieldManager', 'is required for apply patch')]);
  if (type !== 'apply' && force !== undefined) throw invalidObject(options, '', [forbidden('force', 'may not be specified for non-apply patch')]);
  if (type !== 'merge' && type !== 'strategic') return;
  if (body === null && type === 'merge') throw new StatusError('BadRequest', 'Invalid JSON Patch');
  if (typeof body !== 'object' || Array.isArray(body)) {
    throw new StatusError('BadRequest', `${type === 'merge' ? 'error decoding patch: ' : ''}json: cannot unmarshal ${goType(body)} into Go value of type map[string]interface {}`);
  }
}

/** What a patch made must be an object of the kind still. Upstream blames the patch (Invalid) rather than the request (BadRequest). */
export function checkPatched({ schemas }: PipelineOptions, { request: { options, warn }, kind, body }: Call, next: KubeObject): void {
  try {
    checkObject(next, { ...kind, validation: options.fieldValidation, warn }, { duplicates: (body as Patch).type === 'apply' ? [] : ((body as Patch).duplicates ?? []), schemas, converted: (body as Patch).type === 'strategic', sorted: true });
  } catch (error) {
    if (!isReason(error, 'BadRequest')) throw error;
    const shown = (body as Patch).type === 'strategic' ? goText((body as Patch).body) : JSON.stringify(next);
    const why = messageOf(error).replace(/^.*? cannot be handled as an? \w+: /, '');
    throw invalidObject({ group: '', kind: '' }, '', [invalid('patch', shown, why)]);
  }
  next.metadata ??= {} as KubeObject['metadata']; // a patch may take all of it away
}

/** A value as Go prints it with %+v. */
function goText(value: unknown): string {
  if (value === null || value === undefined) return '<nil>';
  if (Array.isArray(value)) return `[${value.map(goText).join(' ')}]`;
  if (typeof value === 'object') return `map[${Object.keys(value).sort().map((key) => `${key}:${goText((value as Record<string, unknown>)[key])}`).join(' ')}]`;
  return String(value as string | number | boolean);
}

/** `/v1`, `apps/v1`: a group and version as Go prints them. */
function goVersion(apiVersion = ''): string {
  return apiVersion.includes('/') ? apiVersion : `/${apiVersion}`;
}
