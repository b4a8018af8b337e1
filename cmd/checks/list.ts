// The one list of checks, in the order in which they are shown.
import type { Check } from './check.ts';
import { cgroups } from './cgroups.ts';
import { firewall, networks, otherKubernetes } from './clashes.ts';
import { ports } from './ports.ts';
import { programs, rights } from './programs.ts';
import { serverReachable } from './server-reachable.ts';
import { disk, storage } from './storage.ts';
import { address, kernel, libraries, memory, name, time } from './system.ts';

export const CHECKS: readonly Check[] = [rights, kernel, cgroups, programs, libraries, memory, time, name, address, storage, disk, ports, otherKubernetes, networks, firewall, serverReachable];
