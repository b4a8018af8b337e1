// RuntimeClass: row (upstream: pkg/apis/node).
import { objectAge } from '../api/age.ts';
import type { RuntimeClass } from './generated/api-types.ts';
import type { KindRules } from './kind.ts';

export const runtimeClass: KindRules<RuntimeClass> = { cells: (object, now) => [object.metadata.name, object.handler, objectAge(object, now)] };
