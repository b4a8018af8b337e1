// A pod is given its node, once: pods/binding and the older bindings collection.
import { conflict, StatusError } from '../../base/errors.ts';
import { invalidObject, notSupported, required } from '../../api/field-error.ts';
import { copy, formatTime, type KubeObject } from '../../api/meta.ts';
import type { Answer, Call, PipelineOptions } from '../call.ts';
import { admit, admitOnly } from '../stages.ts';

type Binding = KubeObject & { target?: { kind?: string; name?: string } };
type Pod = KubeObject & { spec: { nodeName?: string; schedulingGates?: unknown[] }; status?: { conditions?: { type: string }[]; nominatedNodeName?: string } };

export async function bindPod(options: PipelineOptions, { request, kind, body }: Call): Promise<Answer> {
  const { info } = request;
  const binding = copy(body) as unknown as Binding;
  binding.metadata.namespace ??= info.namespace;
  const name = info.name === '' ? binding.metadata.name : info.name;
  const pods = options.kinds.byResource('', 'v1', 'pods');
  if (pods === undefined) throw new StatusError('NotFound', 'the server could not find the requested resource');
  const asked = { ...request, info: { ...info, resource: 'pods', name, subresource: 'binding' } };
  await admitOnly(request, options.admission, { kind, operation: 'CREATE', object: binding });
  const node = nodeOf(binding);
  const { context: { user, dryRun, subresource } } = admit(asked, options.admission, { kind: pods });
  const bind = (current: KubeObject | undefined): KubeObject => bound(copy(current) as Pod, { binding, node, now: options.clock.now() });
  await options.registry.update(pods, { namespace: info.namespace, name }, bind, { user, dryRun, subresource });
  return { code: 201, body: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 } };
}

function nodeOf({ target, metadata }: Binding): string {
  const errors = [
    ...(target?.kind !== undefined && target.kind !== '' && target.kind !== 'Node' ? [notSupported('target.kind', target.kind, ['Node', '<empty>'])] : []),
    ...(target?.name === undefined || target.name === '' ? [required('target.name')] : []),
  ];
  if (errors.length > 0) throw invalidObject({ group: '', kind: 'Binding' }, metadata.name, errors);
  return target?.name ?? '';
}

function bound(pod: Pod, { binding, node, now }: { binding: Binding; node: string; now: number }): Pod {
  const { metadata, spec } = pod;
  const refuse = (why: string): StatusError => conflict({ group: '', resource: 'pods/binding' }, metadata.name, why);
  if (binding.metadata.uid && binding.metadata.uid !== metadata.uid) throw refuse(`Precondition failed: UID in precondition: ${binding.metadata.uid}, UID in object meta: ${metadata.uid}`);
  if (metadata.deletionTimestamp !== undefined) throw refuse(`pod ${metadata.name} is being deleted, cannot be assigned to a host`);
  if (spec.nodeName) throw refuse(`pod ${metadata.name} is already assigned to node ${JSON.stringify(spec.nodeName)}`);
  if ((spec.schedulingGates?.length ?? 0) > 0) throw refuse(`pod ${metadata.name} has non-empty .spec.schedulingGates`);
  spec.nodeName = node;
  metadata.annotations = { ...metadata.annotations, ...binding.metadata.annotations };
  if (Object.keys(metadata.annotations).length === 0) delete metadata.annotations;
  metadata.labels = { ...metadata.labels, ...binding.metadata.labels };
  if (Object.keys(metadata.labels).length === 0) delete metadata.labels;
  const scheduled = { type: 'PodScheduled', status: 'True', lastProbeTime: null, lastTransitionTime: formatTime(now) };
  const conditions = (pod.status?.conditions ?? []).filter(({ type }) => type !== 'PodScheduled');
  const { nominatedNodeName: _granted, ...status } = pod.status ?? {};
  pod.status = { ...status, conditions: [...conditions, scheduled] };
  return pod;
}
