// Endpoints: the addresses of a Service, the older way (upstream: registry/core/endpoint).
import { objectAge } from '../api/age.ts';
import { subdomainName } from '../api/names.ts';
import type { Endpoints } from './generated/api-types.ts';
import type { KindRules } from './kind.ts';
import { firstThree } from './cells.ts';

export const endpoints: KindRules<Endpoints> = {
  validateName: subdomainName,
  applyDefaults: ({ subsets = [] }) => { for (const { ports = [] } of subsets) for (const port of ports) port.protocol ||= 'TCP'; },
  cells: (object, now) => [object.metadata.name, firstThree(addressesOf(object), '<none>'), objectAge(object, now)],
  allowCreateOnUpdate: true,
};

function addressesOf({ subsets = [] }: Endpoints): string[] {
  return subsets.flatMap(({ addresses = [], ports = [] }) => {
    if (ports.length === 0) return addresses.map(({ ip }) => ip);
    return ports.flatMap(({ port }) => addresses.map(({ ip }) => `${ip.includes(':') ? `[${ip}]` : ip}:${String(port)}`));
  });
}
