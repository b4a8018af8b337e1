// What a patch makes of the newest state, and who is recorded as the owner of which fields (metadata.managedFields).
import { StatusError } from '../base/errors.ts';
import { apiVersionOf, copy, type KubeObject } from '../api/meta.ts';
import type { Patch } from '../api/request.ts';
import { recordUpdate, serverSideApply } from '../api/patch/apply.ts';
import { applyJsonPatch } from '../api/patch/json.ts';
import { applyMergePatch } from '../api/patch/merge.ts';
import { applyStrategicMerge } from '../api/patch/strategic.ts';
import type { Definition } from '../api/schema.ts';
import type { WriteContext } from '../registry/registry.ts';
import type { Call, PipelineOptions } from './pipeline.ts';

export function patched(options: PipelineOptions, call: Call, { patch, current }: { patch: Patch; current: KubeObject | undefined }): KubeObject {
  if (patch.type === 'apply') return applied(options, call, { patch, live: current });
  if (current === undefined) throw new StatusError('NotFound', 'the server could not find the requested resource');
  const document = copy(current);
  switch (patch.type) {
    case 'json': return applyJsonPatch(document, patch.body as never) as KubeObject;
    case 'merge': return applyMergePatch(document, patch.body as never) as KubeObject;
    case 'strategic': return applyStrategicMerge(definitionOf(options, call), document, patch.body as never, options.schemas) as KubeObject;
  }
}

function applied(options: PipelineOptions, call: Call, { patch, live }: { patch: Patch; live: KubeObject | undefined }): KubeObject {
  const { request: { info, options: { fieldManager = '', force = false } }, kind } = call;
  if (fieldManager === '') throw new StatusError('BadRequest', 'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch');
  const given = patch.body as KubeObject;
  const apiVersion = apiVersionOf(kind.group, kind.version);
  if (given.apiVersion !== apiVersion) throw new StatusError('BadRequest', `invalid object type: /, Kind=${given.kind}`);
  const named = { ...given, metadata: { ...given.metadata, name: given.metadata?.name ?? info.name, ...(kind.namespaced && { namespace: given.metadata?.namespace ?? info.namespace }) } };
  if (named.metadata.name !== info.name) throw new StatusError('BadRequest', `the name of the object (${named.metadata.name}) does not match the name on the URL (${info.name})`);
  return serverSideApply({ ...(live !== undefined && { live }), applied: named, manager: fieldManager, force, definition: definitionOf(options, call), schemas: options.schemas, subresource: info.subresource, now: options.clock.now() });
}

/** Records the fields that a create or update changed under the client's name. */
export function tracker(options: PipelineOptions, call: Call): NonNullable<WriteContext['track']> {
  const { request: { info, options: { fieldManager }, userAgent }, kind } = call;
  const manager = fieldManager ?? (userAgent.split('/')[0] || 'unknown');
  return (next, live) => {
    const definition = options.schemas.get(kind.schema);
    if (definition === undefined) return;
    recordUpdate({ ...(live !== undefined && { live }), next, manager, definition, schemas: options.schemas, subresource: info.subresource, now: options.clock.now() });
  };
}

function definitionOf({ schemas }: PipelineOptions, { kind }: Call): Definition {
  const definition = schemas.get(kind.schema);
  if (definition === undefined) throw new StatusError('UnsupportedMediaType', `${kind.kind} has no schema to patch by`);
  return definition;
}
