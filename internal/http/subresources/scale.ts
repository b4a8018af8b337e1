// The scale subresource of workloads: replicas wanted and there, and the selector, in autoscaling/v1's shape.
import { invalid, invalidObject } from '../../api/field-error.ts';
import { copy, type KubeObject } from '../../api/meta.ts';
import type { Patch } from '../../api/request.ts';
import { selectorOf, selectorOfMap } from '../../api/selectors.ts';
import { patched, tracker } from '../patching.ts';
import { notAllowed, type Answer, type Call, type PipelineOptions } from '../pipeline.ts';
import { admit } from '../stages.ts';
import { checkName, keyOf } from '../verbs.ts';
import type { Kind } from '../../kinds/kind.ts';
import { valueAt } from '../../kinds/custom/custom-rules.ts';
import type { WriteContext } from '../../registry/registry.ts';

type Scalable = KubeObject & { spec?: { replicas?: number; selector?: object }; status?: { replicas?: number } };
type Scale = KubeObject & { spec: { replicas?: number }; status: { replicas: number; selector?: string } };

export async function scale(options: PipelineOptions, call: Call): Promise<Answer> {
  const { request, kind, body } = call;
  const { info } = request;
  const key = keyOf(info, kind);
  if (info.verb === 'get') {
    await options.registry.prepare(kind, key);
    return { code: 200, body: scaleOf(options.registry.get(kind, key) as Scalable, kind) };
  }
  if (info.verb !== 'update' && info.verb !== 'patch') throw notAllowed();
  const { context: { mutate, validate, ...context } } = admit(request, options.admission, { kind, track: tracker(options, call) });
  const change = async (current: KubeObject | undefined): Promise<KubeObject> => {
    const object = copy(current) as Scalable;
    const asked = info.verb === 'update' ? (copy(body) as unknown as Scale) : (patched(options, scaleCall(options, call), { patch: body as Patch, current: scaleOf(object, kind) }) as Scale);
    checkName(asked, info.name);
    await mutate?.(asked, scaleOf(object, kind));
    if (asked.metadata.resourceVersion) object.metadata.resourceVersion = asked.metadata.resourceVersion;
    const replicas = asked.spec?.replicas ?? 0;
    if (replicas < 0) throw invalidObject({ group: 'autoscaling', kind: 'Scale' }, info.name, [invalid('spec.replicas', replicas, 'must be greater than or equal to 0')]);
    if (kind.custom?.scale !== undefined) setValueAt(object, kind.custom.scale.specReplicasPath, replicas);
    else object.spec = { ...object.spec, replicas };
    return object;
  };
  // Admission sees the Scale, not the object it is of.
  const judge: WriteContext['validate'] = (object, old) => validate?.(scaleOf(object as Scalable, kind), scaleOf(old as Scalable, kind)) ?? Promise.resolve();
  const { object } = await options.registry.update(kind, key, change, { ...context, validate: judge });
  return { code: 200, body: scaleOf(object as Scalable, kind) };
}

/** The patch is one of a Scale, not of the object. */
function scaleCall({ schemas }: PipelineOptions, call: Call): Call {
  return { ...call, kind: { ...call.kind, group: 'autoscaling', version: 'v1', kind: 'Scale', schema: schemas.byKind('autoscaling', 'v1', 'Scale')?.id ?? '' } };
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
