// DefaultStorageClass and DefaultIngressClass: who names no class gets the one that is marked as default, the newest if several are.
import type { GroupResource, KubeObject } from '../api/meta.ts';
import type { Store } from '../store/store.ts';
import { writes, type AdmissionPlugin } from './admission.ts';

export interface DefaultClassOptions {
  name: string;
  of: GroupResource;
  /** In spec. */
  field: string;
  classes: GroupResource;
  annotation: string;
}

export function defaultClass(store: Store, { name, of, field, classes, annotation }: DefaultClassOptions): AdmissionPlugin {
  return {
    name,
    mutate(request) {
      if (!writes(request, of.group, of.resource) || request.operation !== 'CREATE') return;
      const object = request.object as KubeObject & { spec?: Record<string, unknown> };
      if (object.spec === undefined || object.spec[field] !== undefined || object.metadata.annotations?.['kubernetes.io/ingress.class'] !== undefined) return;
      const chosen = newest(store, classes, annotation);
      if (chosen !== undefined) object.spec[field] = chosen.metadata.name;
    },
  };
}

function newest(store: Store, classes: GroupResource, annotation: string): KubeObject | undefined {
  const marked: KubeObject[] = [];
  store.list(classes, {
    visit(object) {
      if (object.metadata.annotations?.[annotation] === 'true') marked.push(object);
      return true;
    },
  });
  return marked.sort((a, b) => b.metadata.creationTimestamp.localeCompare(a.metadata.creationTimestamp) || a.metadata.name.localeCompare(b.metadata.name))[0];
}
