// Service-account tokens bound to a pod, from the TokenRequest API: kept until 80 % of their life is over (or a day), then asked for anew;
// while the API cannot be reached the old one is used, also when it has ended: a pod that boots without its server must start.
import type { Clock } from '../../../internal/base/clock.ts';
import type { Random } from '../../../internal/base/random.ts';
import { isReason } from '../../../internal/base/errors.ts';
import { formatTime } from '../../../internal/api/meta.ts';
import type { LastKnown } from '../last-known/files.ts';
import type { Client } from '../../../internal/client/client.ts';
import type { Pod, ServiceAccountTokenProjection } from '../../../internal/kinds/generated/api-types.ts';
import { SERVICEACCOUNTS } from '../../../internal/kinds/generated/resources.ts';

const DAY_MS = 24 * 3_600_000;
const JITTER_MS = 10_000;

export interface IssuedToken {
  token: string;
  refreshAt: number;
  expirationTimestamp: string;
}

export interface TokenSource {
  tokenFor(pod: Pod, projection: ServiceAccountTokenProjection): Promise<IssuedToken>;
  forget(podUid: string): void;
}

interface TokenReply {
  status?: { token?: string; expirationTimestamp?: string };
}

export function createTokenSource({ client, clock, random, lastKnown }: { client: Client; clock: Clock; random: Random; lastKnown?: LastKnown | undefined }): TokenSource {
  const kept = new Map<string, Map<string, IssuedToken>>();

  async function request(pod: Pod, { audience, expirationSeconds = 3600 }: ServiceAccountTokenProjection): Promise<IssuedToken> {
    const { namespace = '', name, uid } = pod.metadata;
    const key = { namespace, name: pod.spec.serviceAccountName ?? 'default' };
    const spec = { audiences: audience === undefined || audience === '' ? [] : [audience], expirationSeconds, boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid } };
    const issuedAt = clock.now();
    const reply = await client.createSub<TokenReply>(SERVICEACCOUNTS, key, 'token', { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', metadata: {}, spec })
      .catch((error: unknown) => { throw new Error(`failed to fetch token: ${error instanceof Error ? error.message : String(error)}`, { cause: error }); });
    const expiresAt = Date.parse(reply.status?.expirationTimestamp ?? '') || issuedAt + expirationSeconds * 1000;
    const lifeMs = expiresAt - issuedAt;
    return { token: reply.status?.token ?? '', expirationTimestamp: formatTime(expiresAt), refreshAt: issuedAt + Math.min(lifeMs * 0.8, DAY_MS) - random.fraction() * Math.min(JITTER_MS, lifeMs * 0.05) };
  }

  return {
    async tokenFor(pod, projection) {
      const ofPod = kept.get(pod.metadata.uid) ?? new Map<string, IssuedToken>();
      kept.set(pod.metadata.uid, ofPod);
      const key = `${projection.audience ?? ''} ${String(projection.expirationSeconds ?? 3600)}`;
      const nameOnDisk = `${pod.metadata.namespace ?? ''} token ${pod.metadata.uid} ${key}`;
      const known = ofPod.get(key) ?? lastKnown?.read<IssuedToken>(nameOnDisk);
      if (known !== undefined && clock.now() < known.refreshAt) return known;
      const issued = await request(pod, projection).catch((error: unknown) => {
        const refused = isReason(error instanceof Error ? error.cause : error, 'NotFound', 'Forbidden', 'Invalid');
        if (known === undefined || refused) throw error;
        return { ...known, refreshAt: clock.now() + 60_000 };
      });
      ofPod.set(key, issued);
      if (issued.token !== known?.token) lastKnown?.write(nameOnDisk, issued);
      return issued;
    },
    forget: (podUid) => void kept.delete(podUid),
  };
}
