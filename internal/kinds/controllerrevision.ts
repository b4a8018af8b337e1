// ControllerRevision: row (upstream: pkg/apis/apps).
import { controllerOf, parseApiVersion } from '../api/meta.ts';
import type { ControllerRevision } from './generated/api-types.ts';
import type { KindRules } from './kind.ts';
import { objectAge } from './age.ts';

export const controllerRevision: KindRules<ControllerRevision> = {
  cells: (object, now) => {
    const owner = controllerOf(object);
    if (owner === undefined) return [object.metadata.name, '<none>', object.revision, objectAge(object, now)];
    const { group } = parseApiVersion(owner.apiVersion);
    return [object.metadata.name, `${(group === '' ? owner.kind : `${owner.kind}.${group}`).toLowerCase()}/${owner.name}`, object.revision, objectAge(object, now)];
  },
};
