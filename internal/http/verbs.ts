// The verbs on objects: what each needs of the request before the registry does it.
import { StatusError } from '../base/errors.ts';
import { copy, type KubeObject, type ObjectKey } from '../api/meta.ts';
import type { DeleteOptions, Patch } from '../api/request.ts';
import { parseRevision, tooLargeRevision } from '../registry/read-options.ts';
import type { ReadOptions } from '../registry/registry.ts';
import type { Answer, Call, PipelineOptions } from './call.ts';
import { checkPatched, patched, tracker } from './patching.ts';
import { admit, asCreator, type Admitted } from './stages.ts';

export async function getOne({ registry, store }: PipelineOptions, { request: { info, options }, kind }: Call): Promise<Answer> {
  // Reads are never behind: a version only has to be one that has been.
  const wanted = parseRevision(options.resourceVersion);
  if (wanted > store.revision) throw tooLargeRevision(wanted, store.revision);
  await registry.prepare(kind, keyOf(info, kind));
  return { code: 200, body: registry.get(kind, keyOf(info, kind)) };
}

export async function listMany({ registry }: PipelineOptions, call: Call): Promise<Answer> {
  await registry.prepare(call.kind, readOptions(call));
  return { code: 200, body: registry.list(call.kind, readOptions(call)) };
}

export async function createOne(options: PipelineOptions, call: Call): Promise<Answer> {
  const { request, kind } = call;
  const draft = objectOf(call);
  settle(draft, call);
  const { context } = admit(request, options.admission, { kind, track: tracker(options, call) });
  return { code: 201, body: await options.registry.create(kind, draft, context) };
}

export async function updateOne(options: PipelineOptions, call: Call): Promise<Answer> {
  const { request, kind } = call;
  const wanted = objectOf(call);
  settle(wanted, call);
  checkName(wanted, request.info.name);
  const context = asCreator(admit(request, options.admission, { kind, track: tracker(options, call) }), options.authorizer);
  const { object, created } = await options.registry.update(kind, keyOf(request.info, kind), () => copy(wanted), context);
  return { code: created ? 201 : 200, body: object };
}

export async function patchOne(options: PipelineOptions, call: Call): Promise<Answer> {
  const { request, kind } = call;
  const patch = call.body as Patch;
  const context = asCreator(admit(request, options.admission, { kind, ...(patch.type !== 'apply' && { track: tracker(options, call) }) }), options.authorizer);
  const change = (current: KubeObject | undefined): KubeObject => {
    const next = patched(options, call, { patch, current });
    checkPatched(options, call, next);
    settle(next, call);
    checkName(next, request.info.name);
    return next;
  };
  const { object, created } = await options.registry.update(kind, keyOf(request.info, kind), change, context, { mayCreate: patch.type === 'apply' && request.info.subresource === '', isPatch: true });
  return { code: created ? 201 : 200, body: object };
}

export async function deleteOne(options: PipelineOptions, call: Call): Promise<Answer> {
  const { request: { info, options: { delete: wanted = {} } }, kind } = call;
  warnOfOrphans(call, wanted);
  const { object, gone } = await options.registry.delete(kind, keyOf(info, kind), wanted, admitDelete(options, call).context);
  return { code: !gone && wanted.orphanDependents === false ? 202 : 200, body: !gone || RETURNS_OBJECT.has(`${kind.group}/${kind.resource}`) ? object : deleted(call, object) };
}

export async function deleteMany(options: PipelineOptions, call: Call): Promise<Answer> {
  const { request: { options: { delete: wanted = {} } }, kind } = call;
  warnOfOrphans(call, wanted);
  return { code: 200, body: await options.registry.deleteCollection(kind, readOptions(call), wanted, admitDelete(options, call).context) };
}

/** Jobs leave their pods behind unless told otherwise, which surprises. */
function warnOfOrphans({ request, kind: { group, resource } }: Call, { propagationPolicy, orphanDependents }: DeleteOptions): void {
  if (group !== 'batch' || resource !== 'jobs' || propagationPolicy !== undefined || orphanDependents !== undefined) return;
  request.warn('child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning');
}

// Kinds whose deletion upstream answers with the object rather than a Status.
const RETURNS_OBJECT: ReadonlySet<string> = new Set([
  '/pods', '/services', '/serviceaccounts', '/persistentvolumes', '/persistentvolumeclaims', '/podtemplates', '/resourcequotas',
  ...['csidrivers', 'csinodes', 'storageclasses', 'volumeattachments', 'volumeattributesclasses'].map((resource) => `storage.k8s.io/${resource}`),
  ...['deviceclasses', 'resourceclaims', 'resourceclaimtemplates', 'resourceslices'].map((resource) => `resource.k8s.io/${resource}`),
]);

function deleted({ kind }: Call, { metadata: { name, uid } }: KubeObject): object {
  const details = { name, ...(kind.group !== '' && { group: kind.group }), kind: kind.resource, uid };
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details };
}

function admitDelete({ admission }: PipelineOptions, { request, kind }: Call): Admitted {
  return admit(request, admission, { kind });
}

export function keyOf({ namespace, name }: { namespace: string; name: string }, { namespaced }: { namespaced: boolean }): ObjectKey {
  return { namespace: namespaced ? namespace : '', name };
}

function readOptions({ request: { info, options }, kind }: Call): ReadOptions {
  return { ...options, namespace: kind.namespaced ? info.namespace : '' };
}

export function objectOf({ body, kind }: Call): KubeObject {
  if (body === undefined || !('metadata' in body || 'apiVersion' in body || 'kind' in body)) throw new StatusError('BadRequest', `a ${kind.kind} is needed in the body`);
  const object = body as KubeObject;
  return Object.isFrozen(object) ? copy(object) : { ...object, metadata: { ...object.metadata } };
}

/** The namespace of the URL counts; an object that says another one is refused. */
export function settle(draft: KubeObject, { request: { info }, kind }: Call): void {
  if (!kind.namespaced) return void delete draft.metadata.namespace;
  const { namespace } = draft.metadata;
  if (namespace !== undefined && namespace !== '' && namespace !== info.namespace) {
    throw new StatusError('BadRequest', 'the namespace of the provided object does not match the namespace sent on the request');
  }
  draft.metadata.namespace = info.namespace;
}

export function checkName({ metadata }: KubeObject, name: string): void {
  if (!metadata.name) throw new StatusError('BadRequest', `the name of the object (${name} based on URL) was undeterminable: name must be provided`);
  if (metadata.name !== name) throw new StatusError('BadRequest', `the name of the object (${metadata.name}) does not match the name on the URL (${name})`);
}
