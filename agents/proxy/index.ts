// The service proxy: Services and their EndpointSlices become packet rules of this node. A loop with one key: whatever changes meanwhile is
// in the next pass, so a thousand changes are one atomic write. Stopping leaves the rules, so that traffic flows while Skiff restarts.
import type { Component } from '../../internal/base/component.ts';
import { NO_LEDGER, type Ledger } from '../../internal/base/ledger.ts';
import { keyOf } from '../../internal/api/meta.ts';
import { wake, type Loop, type Plan } from '../../internal/informer/loop.ts';
import { SLICES_BY_SERVICE } from '../../internal/informer/service-slices.ts';
import type { Views } from '../../internal/informer/view.ts';
import { ENDPOINTSLICES, SERVICES } from '../../internal/kinds/generated/resources.ts';
import { forget, forgettings } from './conntrack.ts';
import { createIptables, type Iptables } from './iptables.ts';
import { rulesetOf } from './ruleset.ts';
import { servicePorts, type ServicePortRules } from './service-ports.ts';

export interface ProxyOptions {
  nodeName: string;
  clusterCidr: string;
  /** Runs a loop: cmd gives views, client, clock, random and log to it. */
  run(loop: Loop): Component;
  /** Default: the host's own. */
  iptables?: Iptables;
  ledger?: Ledger;
}

export interface Proxy extends Component {
  /** Takes all rules away: when Skiff leaves the machine. */
  remove(): Promise<void>;
}

const KEY = 'services';
/** Kubernetes' sign for Services that another proxy serves. */
const OTHER_PROXY = 'service.kubernetes.io/service-proxy-name';

export function createProxy(options: ProxyOptions): Proxy {
  const iptables = options.iptables ?? createIptables();
  const running = options.run(proxyLoop(options, iptables) as Loop);
  return {
    name: 'proxy',
    async start() {
      // NodePorts on 127.0.0.1: the kernel otherwise drops such packets once they are sent on (SKIFF-INPUT guards against outsiders).
      (options.ledger ?? NO_LEDGER).setSysctl('net/ipv4/conf/all/route_localnet', '1');
      await running.start();
    },
    stop: () => running.stop(),
    remove: () => iptables.remove(),
  };
}

function proxyLoop({ nodeName, clusterCidr }: Pick<ProxyOptions, 'nodeName' | 'clusterCidr'>, iptables: Iptables): Loop<ServicePortRules[], ServicePortRules[]> {
  let before: readonly ServicePortRules[] = [];
  return {
    name: 'proxy',
    concurrency: 1,
    wakes: [wake(SERVICES, () => [KEY]), wake(ENDPOINTSLICES, () => [KEY])],
    // At start also without any Service: what a predecessor left must go.
    resync: { everyMs: 3_600_000, keys: () => [KEY] },
    observe: (_key, views) => observe(views, nodeName),
    plan: (ports): Plan<ServicePortRules[]> => ({ actions: [ports] }),
    async act(ports) {
      await iptables.apply(rulesetOf(ports, { clusterCidr }));
      const stale = forgettings(before, ports);
      before = ports;
      await forget(stale);
    },
  };
}

function observe(views: Views, nodeName: string): ServicePortRules[] {
  const slices = views.of(ENDPOINTSLICES);
  return views.of(SERVICES).list().filter(({ metadata }) => metadata.labels?.[OTHER_PROXY] === undefined)
    .flatMap((service) => servicePorts(service, slices.by(SLICES_BY_SERVICE, keyOf(service)), nodeName));
}
