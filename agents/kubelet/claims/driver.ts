// A DRA driver's plugin on this node: it makes what a claim was allocated ready before the pod's containers start, and takes it down afterwards.
import type { Clock } from '../../../internal/base/clock.ts';
import { createGrpcClient } from '../../grpc/client.ts';
import { rpcMessageOf } from '../../grpc/error.ts';
import type { PluginInfo } from '../plugins/registration.ts';
import { decode, encode, type Message } from './messages.ts';

export type PreparedDevice = Message<'Device'>;

export interface ClaimName {
  namespace: string;
  uid: string;
  name: string;
}

export interface Driver {
  readonly name: string;
  readonly endpoint: string;
  /** Devices by the claim's uid. */
  prepare(claims: readonly ClaimName[]): Promise<Map<string, PreparedDevice[]>>;
  unprepare(claims: readonly ClaimName[]): Promise<void>;
  close(): void;
}

const SERVICES = ['v1.DRAPlugin', 'v1beta1.DRAPlugin'];
const TIMEOUT_MS = 45_000;

/** As drivers list their services among the versions; throws when none is known. */
export function serviceOf({ name, endpoint, versions }: Pick<PluginInfo, 'name' | 'endpoint' | 'versions'>): string {
  if (name === '') throw new Error('DRA driver name is empty');
  const invalid = `invalid supported gRPC versions of DRA driver plugin ${name} at endpoint ${endpoint}: `;
  if (versions.length === 0) throw new Error(`${invalid}empty list of supported gRPC services (aka supported versions)`);
  // Drivers from before services were listed say `1.0.0`.
  const service = SERVICES.find((known) => versions.includes(known)) ?? (versions.some((version) => /^1\.\d+\.\d+$/.test(version)) ? 'v1beta1.DRAPlugin' : undefined);
  const quoted = (list: readonly string[]): string => `[${list.map((one) => JSON.stringify(one)).join(' ')}]`;
  if (service === undefined) throw new Error(`${invalid}none of services supported by the plugin (${quoted(versions)}) are supported by the kubelet (${quoted(SERVICES)})`);
  return service;
}

export function createDriver(info: PluginInfo, clock: Clock): Driver {
  const { name, endpoint } = info;
  const client = createGrpcClient(endpoint, clock);
  const service = `/k8s.io.kubelet.pkg.apis.dra.${serviceOf(info)}`;
  const call = (method: string, claims: readonly ClaimName[]): Promise<Uint8Array> => client.call(`${service}/${method}`, encode('Claims', { claims }), { timeoutMs: TIMEOUT_MS }).catch((error: unknown) => { throw new Error(`${method}: ${rpcMessageOf(error)}`, { cause: error }); });
  return {
    name, endpoint,
    async prepare(claims) {
      const results = decode('Prepared', await call('NodePrepareResources', claims)).claims;
      check('NodePrepareResources', claims, results);
      return new Map(results.map(({ uid, result }) => [uid, result?.devices ?? []]));
    },
    unprepare: async (claims) => check('NodeUnprepareResources', claims, decode('Unprepared', await call('NodeUnprepareResources', claims)).claims),
    close: () => client.close(),
  };
}

function check(method: string, claims: readonly ClaimName[], results: readonly { uid: string; result: { error: string } | undefined }[]): void {
  for (const { uid, result } of results) {
    const claim = claims.find((one) => one.uid === uid);
    if (claim === undefined) throw new Error(`${method} returned result for unknown claim UID ${uid}`);
    if (result !== undefined && result.error !== '') throw new Error(`${method} failed for ResourceClaim ${claim.name}: ${result.error}`);
  }
  if (results.length < claims.length) throw new Error(`${method} skipped ${String(claims.length - results.length)} ResourceClaims`);
}
