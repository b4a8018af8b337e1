// What the pod's ResourceClaims were allocated, made ready by the drivers of it.
import { messageOf } from '../../../internal/base/errors.ts';
import type { Step } from './step.ts';

export const CLAIMS: Step = {
  name: 'claims',
  apply: ({ pod }, node) => node.claims.prepare(pod).catch((error: unknown) => { throw new Error(`prepare dynamic resources: ${messageOf(error)}`, { cause: error }); }),
  undo: ({ pod }, node) => node.claims.unprepare(pod),
};
