// What the kubelet says of its node now: gathered from its options and its parts whenever the status is made.
import { hostname } from 'node:os';
import type { ImageStore } from '../../images/image-store.ts';
import type { Devices } from '../devices/index.ts';
import { KUBELET_PORT, type KubeletOptions } from '../kubelet-options.ts';
import { SHUTTING_DOWN } from '../shutdown.ts';
import type { NodeFacts } from './node-status.ts';

export interface FactParts extends Pick<NodeFacts, 'capacity' | 'system' | 'pressures' | 'volumesInUse'> {
  devices: Pick<Devices, 'amounts'>;
  imagesMax: number;
  /** The machine goes down. */
  ending: boolean;
}

export function nodeFacts(options: KubeletOptions, { devices, imagesMax, ending, ...told }: FactParts): NodeFacts {
  return {
    ...told,
    name: options.nodeName, hostname: options.hostname ?? hostname(), port: options.port ?? KUBELET_PORT,
    ips: options.nodeIps(), ...(options.externalIps !== undefined && { externalIps: options.externalIps }),
    devices: devices.amounts(), images: imagesOf(options.images, imagesMax), handlers: options.runtime.handlers(),
    labels: options.labels ?? {}, taints: options.taints ?? [],
    problem: ending ? SHUTTING_DOWN : options.runtime.problem?.() ?? '', now: options.clock.now(),
  };
}

/** What of it changes without a word: when this is another text, the status is to be posted. */
export function untoldOf({ runtime, nodeIps, images }: KubeletOptions): string {
  return [runtime.problem?.() ?? '', ...nodeIps(), ...images.list().flatMap(({ id, tags }) => [id, ...tags])].join(' ');
}

/** The largest ones, as upstream lists them; -1: all. */
function imagesOf(images: ImageStore, max: number): NodeFacts['images'] {
  return images.list().sort((a, b) => b.sizeBytes - a.sizeBytes).slice(0, max < 0 ? Infinity : max).map(({ digests, tags, sizeBytes }) => ({ names: [...digests, ...tags].slice(0, 5), sizeBytes }));
}
