// The podresources API (v1, and v1alpha1's List) on `<kubelet folder>/pod-resources/kubelet.sock`: which containers have which devices, for those that
// watch over devices. Answers are made in pod-resources.ts, which is loaded when somebody asks.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../../internal/base/clock.ts';
import type { Component } from '../../../internal/base/component.ts';
import type { Pod } from '../../../internal/kinds/generated/api-types.ts';
import { CODE, GrpcError } from '../../grpc/error.ts';
import { createGrpcServer } from '../../grpc/server.ts';
import type { Claims } from '../claims/index.ts';
import type { Devices } from './index.ts';

export interface PodResourcesOptions {
  directory: string;
  /** Pods that have not ended. */
  pods(): readonly Pod[];
  devices: Pick<Devices, 'desk'>;
  claims: Pick<Claims, 'desk'>;
  clock: Clock;
}

/** Upstream's own measure. */
const PER_SECOND = 100;
const BURST = 10;

export function createPodResourcesServer(options: PodResourcesOptions): Component {
  const allowed = createRateLimit(options.clock);
  const answering = (answer: (api: typeof import('./pod-resources.ts'), request: Uint8Array) => Uint8Array) => async (request: Uint8Array): Promise<Uint8Array> => {
    if (!allowed()) throw new GrpcError(CODE.resourceExhausted, 'rejected by rate limit');
    return answer(await import('./pod-resources.ts'), request);
  };
  const server = createGrpcServer(join(options.directory, 'kubelet.sock'), {
    '/v1.PodResourcesLister/List': answering((api) => api.list(options)),
    '/v1.PodResourcesLister/Get': answering((api, request) => api.get(request, options)),
    '/v1.PodResourcesLister/GetAllocatableResources': answering((api) => api.allocatable(options)),
    '/v1alpha1.PodResourcesLister/List': answering((api) => api.list(options)),
  }, { keepsAlive: false });
  return {
    name: 'podresources',
    async start() {
      mkdirSync(options.directory, { recursive: true, mode: 0o750 });
      await server.start();
    },
    stop: () => server.stop(),
  };
}

function createRateLimit(clock: Clock): () => boolean {
  let tokens = BURST;
  let at = clock.monotonicMs();
  return () => {
    const now = clock.monotonicMs();
    tokens = Math.min(BURST, tokens + ((now - at) * PER_SECOND) / 1000);
    at = now;
    if (tokens < 1) return false;
    tokens--;
    return true;
  };
}
