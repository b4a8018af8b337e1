// Keeps the lists of kinds and definitions in step with the stored CustomResourceDefinitions: what is established is served, from the moment
// its condition is committed; what changes is served anew, and watches of it as it was end (they are opened again); what goes is gone.
import type { Component } from '../base/component.ts';
import type { KubeObject } from '../api/meta.ts';
import type { Schemas } from '../api/schema.ts';
import { sameJson } from '../api/json-equality.ts';
import type { CustomResourceDefinition } from '../kinds/generated/api-types.ts';
import { CUSTOMRESOURCEDEFINITIONS } from '../kinds/generated/resources.ts';
import { hasCondition } from '../kinds/custom/crd-conditions.ts';
import { customKinds, type CustomKindsOptions } from '../kinds/custom/custom-kinds.ts';
import type { Kinds } from '../kinds/index.ts';
import type { Store } from '../store/store.ts';

export interface CustomKindsKeeperOptions extends Pick<CustomKindsOptions, 'converterOf'> {
  store: Store;
  kinds: Kinds;
  schemas: Schemas;
}

interface Served {
  crd: CustomResourceDefinition;
  retire: AbortController;
}

export function keepCustomKinds({ store, kinds, schemas, converterOf }: CustomKindsKeeperOptions): Component {
  const served = new Map<string, Served>();

  const show = (crd: CustomResourceDefinition): void => {
    const { name } = crd.metadata;
    const before = served.get(name);
    if (before !== undefined && isServedTheSame(before.crd, crd)) return;
    if (!hasCondition(crd, 'Established')) return hide(name);
    const retire = new AbortController();
    const { kinds: list, definitions } = customKinds(crd, { schemas, converterOf, retired: retire.signal });
    served.set(name, { crd, retire });
    schemas.replace(sourceOf(name), definitions);
    kinds.replace(sourceOf(name), list);
    before?.retire.abort();
  };
  const hide = (name: string): void => {
    const before = served.get(name);
    if (before === undefined) return;
    served.delete(name);
    kinds.replace(sourceOf(name), []);
    schemas.replace(sourceOf(name), undefined);
    before.retire.abort();
  };

  let end: () => void = () => {};
  return {
    name: 'custom-kinds',
    start() {
      const from = store.revision;
      const there: KubeObject[] = [];
      store.list(CUSTOMRESOURCEDEFINITIONS, { visit: (crd) => there.push(crd) > 0 });
      for (const crd of there) show(crd as CustomResourceDefinition);
      const subscription = store.watch(CUSTOMRESOURCEDEFINITIONS, from, { onChange: ({ type, object }) => (type === 'DELETED' ? hide(object.metadata.name) : show(object as CustomResourceDefinition)) });
      end = () => subscription.close();
      return Promise.resolve();
    },
    stop() {
      end();
      for (const name of served.keys()) hide(name);
      return Promise.resolve();
    },
  };
}

function sourceOf(name: string): string {
  return `customresourcedefinition/${name}`;
}

function isServedTheSame(a: CustomResourceDefinition, b: CustomResourceDefinition): boolean {
  return sameJson(a.spec, b.spec) && sameJson(a.status?.acceptedNames, b.status?.acceptedNames) && ['Established', 'Terminating'].every((type) => hasCondition(a, type) === hasCondition(b, type));
}
