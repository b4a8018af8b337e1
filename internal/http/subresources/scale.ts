// The scale subresource of workloads: replicas wanted and there, and the selector, in autoscaling/v1's shape. Who owns the Scale's replicas
// owns the object's.
import { StatusError } from '../../base/errors.ts';
import { invalid, invalidObject } from '../../api/field-error.ts';
import { apiVersionOf, copy, type KubeObject } from '../../api/meta.ts';
import { objectEntries, scaleEntries, type ReplicasPaths } from '../../api/patch/scale-owners.ts';
import type { Patch } from '../../api/request.ts';
import { selectorOf, selectorOfMap } from '../../api/selectors.ts';
import { checkPatched, patched, tracker } from '../patching.ts';
import { admit } from '../stages.ts';
import { checkName, keyOf } from '../verbs.ts';
import type { Kind } from '../../kinds/kind.ts';
import { valueAt } from '../../kinds/custom/custom-rules.ts';
import type { WriteContext } from '../../registry/registry.ts';
import { notAllowed, type Answer, type Call, type PipelineOptions } from '../call.ts';

type Scalable = KubeObject & { spec?: { replicas?: number; selector?: object }; status?: { replicas?: number } };
type Scale = KubeObject & { spec?: { replicas?: number }; status?: { replicas: number; selector?: string } };

// The smallest int32: stands in a Scale for replicas that a custom object does not say.
const UNSAID = -2147483648;

export async function scale(options: PipelineOptions, call: Call): Promise<Answer> {
  const { request, kind } = call;
  const { info } = request;
  const key = keyOf(info, kind);
  if (info.verb === 'get') {
    await options.registry.prepare(kind, key);
    const object = options.registry.get(kind, key) as Scalable;
    if (isUnsaid(object, kind)) {
      const message = `the spec replicas field ${JSON.stringify(kind.custom?.scale?.specReplicasPath)} does not exist`;
      throw new StatusError('InternalError', `Internal error occurred: ${message}`, { details: { causes: [{ message }] } });
    }
    return { code: 200, body: scaleOf(object, kind) };
  }
  if (info.verb !== 'update' && info.verb !== 'patch') throw notAllowed();
  const { context: { mutate, validate, ...context } } = admit(request, options.admission, { kind });
  const change = async (current: KubeObject | undefined): Promise<KubeObject> => {
    const old = scaleToChange(current as Scalable, kind);
    const asked = askedScale(options, call, old);
    await mutate?.(asked, old);
    return scaled(copy(current) as Scalable, asked, { kind, isPatch: info.verb === 'patch' });
  };
  // Admission sees the Scale, not the object it is of.
  const judge: WriteContext['validate'] = (object, old) => validate?.(scaleOf(object as Scalable, kind), scaleOf(old as Scalable, kind)) ?? Promise.resolve();
  const { object } = await options.registry.update(kind, key, change, { ...context, validate: judge });
  return { code: 200, body: scaleOf(object as Scalable, kind) };
}

/** The Scale as it is, with who owns its replicas. */
function scaleToChange(object: Scalable, kind: Kind): Scale {
  const old = scaleOf(object, kind);
  if (isUnsaid(object, kind)) old.spec = { replicas: UNSAID };
  const managedFields = scaleEntries(object.metadata.managedFields, pathsOf(kind));
  if (managedFields.length > 0) old.metadata.managedFields = managedFields;
  return old;
}

function askedScale(options: PipelineOptions, call: Call, old: Scale): Scale {
  const { request: { info }, body } = call;
  const ofScale = scaleCall(options, call);
  if (info.verb === 'update') {
    const asked = copy(body) as unknown as Scale;
    checkName(asked, info.name);
    tracker(options, ofScale)(asked, old);
    return asked;
  }
  const asked = patched(options, ofScale, { patch: body as Patch, current: old }) as Scale;
  checkPatched(options, ofScale, asked);
  checkName(asked, info.name);
  if ((body as Patch).type !== 'apply') tracker(options, ofScale)(asked, old);
  return asked;
}

/** The object as the Scale asks. */
function scaled(object: Scalable, asked: Scale, { kind, isPatch }: { kind: Kind; isPatch: boolean }): KubeObject {
  const replicas = asked.spec?.replicas ?? 0;
  const { uid, resourceVersion, managedFields } = asked.metadata;
  const path = kind.custom?.scale?.specReplicasPath;
  if (path !== undefined && replicas === UNSAID) throw new StatusError('BadRequest', `the spec replicas field ${JSON.stringify(path)} cannot be empty`);
  if (path === undefined && replicas < 0) throw invalidObject({ group: 'autoscaling', kind: 'Scale' }, object.metadata.name, [invalid('spec.replicas', replicas, 'must be greater than or equal to 0')]);
  if (path === undefined && isPatch && uid && uid !== object.metadata.uid) throw conflictOfUid(object, uid, kind);
  if (!isPatch && uid) object.metadata.uid = uid; // the registry's to compare
  const entries = objectEntries(object.metadata.managedFields, managedFields, { apiVersion: apiVersionOf(kind.group, kind.version), paths: pathsOf(kind) });
  if (entries.length > 0) object.metadata.managedFields = entries;
  else delete object.metadata.managedFields;
  if (resourceVersion) object.metadata.resourceVersion = resourceVersion;
  if (path !== undefined) setValueAt(object, path, replicas);
  else object.spec = { ...object.spec, replicas };
  return object;
}

function conflictOfUid({ metadata: { name, uid } }: KubeObject, wanted: string, { group, resource }: Kind): StatusError {
  const place = `${resource}/scale`;
  return new StatusError('Conflict', `Operation cannot be fulfilled on ${group === '' ? place : `${place}.${group}`} ${JSON.stringify(name)}: Precondition failed: UID in precondition: ${wanted}, UID in object meta: ${uid}`, { details: { name, ...(group !== '' && { group }), kind: place } });
}

/** A custom object without replicas: they are not 0, they are not said. */
function isUnsaid(object: KubeObject, { custom }: Kind): boolean {
  return custom?.scale !== undefined && valueAt(object, custom.scale.specReplicasPath) === undefined;
}

function pathsOf({ group, version, custom }: Kind): ReplicasPaths {
  return custom?.scale?.replicasPaths ?? { [apiVersionOf(group, version)]: '.spec.replicas' };
}

/** The patch is one of a Scale, not of the object. */
function scaleCall({ schemas }: PipelineOptions, call: Call): Call {
  const { custom: _, ...kind } = call.kind;
  return { ...call, kind: { ...kind, group: 'autoscaling', version: 'v1', kind: 'Scale', schema: schemas.byKind('autoscaling', 'v1', 'Scale')?.id ?? '' } };
}

function scaleOf(object: Scalable, { group, kind, custom }: Kind): Scale {
  const { metadata, spec, status } = object;
  const { name, namespace, uid, resourceVersion, creationTimestamp } = metadata;
  if (custom?.scale !== undefined) return customScale(object, custom.scale);
  // A ReplicationController's selector is a map; the others' a LabelSelector.
  const selector = group === '' && kind === 'ReplicationController' ? selectorOfMap((spec?.selector ?? {}) as Record<string, string>) : selectorOf(spec?.selector as never);
  return {
    kind: 'Scale', apiVersion: 'autoscaling/v1', metadata: { name, ...(namespace !== undefined && { namespace }), uid, resourceVersion, creationTimestamp },
    spec: spec?.replicas ? { replicas: spec.replicas } : {}, status: { replicas: status?.replicas ?? 0, ...(selector.text !== '' && { selector: selector.text }) },
  };
}

function customScale(object: KubeObject, { specReplicasPath, statusReplicasPath, labelSelectorPath }: NonNullable<NonNullable<Kind['custom']>['scale']>): Scale {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const replicas = valueAt(object, specReplicasPath) as number | undefined;
  const selector = labelSelectorPath === undefined ? undefined : (valueAt(object, labelSelectorPath) as string | undefined);
  return {
    kind: 'Scale', apiVersion: 'autoscaling/v1', metadata: { name, ...(namespace !== undefined && { namespace }), uid, resourceVersion, creationTimestamp },
    spec: replicas ? { replicas } : {}, status: { replicas: (valueAt(object, statusReplicasPath) as number | undefined) ?? 0, ...(selector && { selector }) },
  };
}

function setValueAt(object: object, path: string, value: number): void {
  const names = path.replace(/^\./, '').split('.');
  let place = object as Record<string, unknown>;
  for (const name of names.slice(0, -1)) place = (place[name] ??= {}) as Record<string, unknown>;
  place[names.at(-1) ?? ''] = value;
}
