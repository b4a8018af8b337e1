// The cluster's DNS, in the process: answers for the cluster's domain out of the views, and passes other names on to the node's resolvers.
// Over UDP and TCP, on the cluster DNS addresses, which it makes addresses of this node. Idle it holds its sockets and nothing else.
import type { Clock } from '../../internal/base/clock.ts';
import type { Component } from '../../internal/base/component.ts';
import type { Log } from '../../internal/base/log.ts';
import type { Random } from '../../internal/base/random.ts';
import type { Views } from '../../internal/informer/view.ts';
import { createAnswer } from './answer.ts';
import { ensureDnsLink } from './link.ts';
import { listen, type Listener } from './listener.ts';
import { createUpstream } from './upstream.ts';
import { createZone } from './zone.ts';

export { ensureDnsLink, removeDnsLink } from './link.ts';

export interface DnsOptions {
  views: Views;
  /** Of the cluster DNS Service; each is made an address of this node. */
  addresses: readonly string[];
  /** 0 is a free one (see `port`). */
  port: number;
  /** The cluster's, without a dot at the end. */
  domain: string;
  /** Path of the resolv.conf whose resolvers know all other names. */
  resolvConf: string;
  /** Where those resolvers listen; default 53. */
  upstreamPort?: number;
  clock: Clock;
  random: Random;
  log: Log;
}

export interface Dns extends Component {
  /** The port it answers on, once started. */
  readonly port: number;
}

export function createDns({ views, addresses, domain, resolvConf, clock, random, log, ...options }: DnsOptions): Dns {
  const listeners: Listener[] = [];
  let upstream: ReturnType<typeof createUpstream> | undefined;
  return {
    name: 'dns',
    get port() {
      return listeners[0]?.port ?? options.port;
    },
    async start() {
      await ensureDnsLink(addresses);
      upstream = createUpstream({ resolvConf, exclude: addresses, clock, random, ...(options.upstreamPort !== undefined && { port: options.upstreamPort }) });
      const answer = createAnswer({ zone: createZone(views, domain, addresses), upstream, random, log: log.with({ component: 'dns' }) });
      for (const address of addresses) listeners.push(await listen(address, options.port, answer, clock));
    },
    async stop() {
      upstream?.close();
      await Promise.all(listeners.splice(0).map((listener) => listener.close()));
    },
  };
}
