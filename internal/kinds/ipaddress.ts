// IPAddress: its name is the address, in the one form that a comparison needs (upstream: pkg/apis/networking/validation).
import type { IPAddress } from './generated/api-types.ts';
import { isIpv4, ipProblems } from './ip-address.ts';
import type { KindRules } from './kind.ts';

export const ipAddress: KindRules<IPAddress> = {
  validateName(name) {
    const problems = ipProblems(name);
    return problems.length > 0 || canonical(name) === name ? problems : [`must be in canonical form (${JSON.stringify(canonical(name))})`];
  },
};

function canonical(address: string): string {
  return isIpv4(address) ? address : new URL(`http://[${address}]`).hostname.slice(1, -1);
}
