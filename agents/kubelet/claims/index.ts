// Dynamic resource allocation on this node: drivers that register by a socket (type DRAPlugin), and the claims of pods. Until a driver registers or a pod
// comes with claims, there is this file and nothing else. A driver that is gone for half a minute has its ResourceSlices taken off the API, as upstream does,
// so that nothing is scheduled to what nobody serves.
import type { Timer } from '../../../internal/base/clock.ts';
import { messageOf } from '../../../internal/base/errors.ts';
import type { Container, Pod } from '../../../internal/kinds/generated/api-types.ts';
import { RESOURCESLICES } from '../../../internal/kinds/generated/resources.ts';
import type { PluginHandler } from '../plugins/registration.ts';
import type { ClaimDesk, ClaimsOptions } from './desk.ts';

export interface Claims {
  readonly handler: PluginHandler;
  prepare(pod: Pod): Promise<void>;
  unprepare(pod: Pod): Promise<void>;
  cdiDevices(pod: Pod, container: Container): Promise<string[]>;
  /** Undefined while there is nothing to tell. */
  desk(): ClaimDesk | undefined;
  stop(): void;
}

const SLICES_KEPT_MS = 30_000;

export function createClaims(options: ClaimsOptions): Claims {
  const { client, clock, log, nodeName } = options;
  let desk: ClaimDesk | undefined;
  const wipes = new Map<string, Timer>();
  const opened = async (): Promise<ClaimDesk> => {
    const { createClaimDesk } = await import('./desk.ts');
    return (desk ??= createClaimDesk(options));
  };
  const hasClaims = (pod: Pod): boolean => (pod.spec.resourceClaims ?? []).length > 0;

  async function wipe(driver: string): Promise<void> {
    const { items } = await client.list(RESOURCESLICES, { fieldSelector: `spec.nodeName=${nodeName},spec.driver=${driver}` });
    for (const { metadata } of items) await client.delete(RESOURCESLICES, { namespace: '', name: metadata.name });
  }

  return {
    handler: {
      validate: async (info) => void (await import('./driver.ts')).serviceOf(info),
      async register(info) {
        wipes.get(info.name)?.cancel();
        (await opened()).connect(info);
      },
      async deregister(info) {
        (await opened()).disconnect(info);
        wipes.set(info.name, clock.setTimer(SLICES_KEPT_MS, () => void wipe(info.name).catch((error: unknown) => log.warn('ResourceSlices of a driver that is gone could not be removed', { driver: info.name, error: messageOf(error) }))));
      },
    },
    prepare: async (pod) => (hasClaims(pod) ? (await opened()).prepare(pod) : undefined),
    unprepare: async (pod) => (hasClaims(pod) ? (await opened()).unprepare(pod.metadata.uid) : undefined),
    cdiDevices: async (pod, container) => ((container.resources?.claims ?? []).length > 0 ? (await opened()).cdiDevices(pod, container) : []),
    desk: () => desk,
    stop() {
      for (const timer of wipes.values()) timer.cancel();
      desk?.stop();
    },
  };
}
