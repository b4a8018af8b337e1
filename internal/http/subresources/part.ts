// Subresources through which part of an object is read and written: status, ephemeralcontainers, resize, finalize, approval. What else
// the client sends is left as it was.
import { copy, type KubeObject, type Unstructured } from '../../api/meta.ts';
import type { Patch } from '../../api/request.ts';
import { notAllowed, type Answer, type Call, type PipelineOptions } from '../call.ts';
import { checkPatched, patched, tracker } from '../patching.ts';
import { admit } from '../stages.ts';
import { checkName, getOne, keyOf, objectOf, settle } from '../verbs.ts';

export async function part(options: PipelineOptions, call: Call): Promise<Answer> {
  const { request, kind } = call;
  const { info } = request;
  if (info.verb === 'get') return getOne(options, call);
  if (info.verb !== 'update' && info.verb !== 'patch') throw notAllowed();
  const isPatch = info.verb === 'patch';
  const wanted = isPatch ? undefined : objectOf(call);
  if (wanted !== undefined) {
    settle(wanted, call);
    checkName(wanted, info.name);
  }
  const change = (current: KubeObject | undefined): KubeObject => {
    const next = wanted === undefined ? patched(options, call, { patch: call.body as Patch, current }) : copy(wanted);
    if (isPatch) {
      checkPatched(options, call, next);
      settle(next, call);
      checkName(next, info.name);
    }
    return current === undefined ? next : keepRest(current, next, info.subresource);
  };
  const tracked = isPatch && (call.body as Patch).type === 'apply' ? {} : { track: tracker(options, call) };
  const { context } = admit(request, options.admission, { kind, ...tracked });
  const { object } = await options.registry.update(kind, keyOf(info, kind), change, context, { isPatch });
  return { code: 200, body: object };
}

/** status and finalize are the registry's to cut out; the others are cut out here. */
function keepRest(current: KubeObject, next: KubeObject, subresource: string): KubeObject {
  const take = TAKES[subresource];
  if (take === undefined) return next;
  const result = copy(current) as Unstructured;
  const { resourceVersion, managedFields, labels, annotations } = next.metadata;
  Object.assign(result.metadata, { resourceVersion }, managedFields !== undefined && { managedFields });
  // Approving may say why: as /status, it takes labels and annotations along.
  if (subresource === 'approval') Object.assign(result.metadata, labels !== undefined && { labels }, annotations !== undefined && { annotations });
  take(result, next as Unstructured);
  return result;
}

interface Container {
  name: string;
  resources?: unknown;
  resizePolicy?: unknown;
}
interface PodSpec {
  containers?: Container[];
  initContainers?: Container[];
  ephemeralContainers?: unknown[];
  resources?: unknown;
}

const TAKES: Readonly<Record<string, (result: Unstructured, next: Unstructured) => void>> = {
  ephemeralcontainers(result, next) {
    (result['spec'] as PodSpec).ephemeralContainers = (next['spec'] as PodSpec).ephemeralContainers ?? [];
  },
  resize(result, next) {
    const [spec, wanted] = [result['spec'] as PodSpec, next['spec'] as PodSpec];
    for (const list of ['containers', 'initContainers'] as const) {
      for (const container of spec[list] ?? []) {
        const asked = wanted[list]?.find(({ name }) => name === container.name);
        if (asked === undefined) continue;
        Object.assign(container, { resources: asked.resources ?? {} }, asked.resizePolicy !== undefined && { resizePolicy: asked.resizePolicy });
      }
    }
    if (wanted.resources !== undefined) spec.resources = wanted.resources;
  },
  approval(result, next) {
    result['status'] = { ...(result['status'] as object | undefined), conditions: (next['status'] as { conditions?: unknown[] } | undefined)?.conditions ?? [] };
  },
};
