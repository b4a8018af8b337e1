// Bootstrap tokens go when they expire (upstream: tokencleaner).
import { wake, type Plan } from '../../informer/loop.ts';
import type { Secret } from '../../kinds/generated/api-types.ts';
import { SECRETS } from '../../kinds/generated/resources.ts';
import { controllerLoop, remove, type Action, type ControllerLoop } from '../action.ts';
import { expiresAt, isBootstrapToken, TOKEN_NAMESPACE } from './bootstrap-token.ts';

export function tokenCleanerLoop(): ControllerLoop<Secret> {
  return controllerLoop<Secret>({
    name: 'token-cleaner',
    wakes: [wake(SECRETS, (secret) => (isBootstrapToken(secret) ? [secret.metadata.name] : []))],
    observe: (name, views) => views.of(SECRETS).get(TOKEN_NAMESPACE, name),
    plan,
  });
}

export function plan(secret: Secret, now: number): Plan<Action> {
  const at = isBootstrapToken(secret) ? expiresAt(secret) : Number.POSITIVE_INFINITY;
  if (at === Number.POSITIVE_INFINITY) return { actions: [] };
  return at <= now ? { actions: [remove(SECRETS, secret)] } : { actions: [], againInMs: at - now };
}
