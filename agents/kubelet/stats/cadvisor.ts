// /metrics/cadvisor: what the machine, each pod and each container use, by the names and labels that cAdvisor gives them, as dashboards and
// alerts ask for them. Which families there are: cadvisor-families.ts; of what: cadvisor-rows.ts.
import type { NodeContext } from '../node-context.ts';
import { systemInfo } from '../node/system-info.ts';
import { CADVISOR_FAMILIES } from './cadvisor-families.ts';
import { cadvisorRows } from './cadvisor-rows.ts';
import { family } from './exposition.ts';
import { machineMemory } from './machine.ts';
import { topology } from './topology.ts';
import { usageOfPods } from './usage.ts';

export async function cadvisorMetrics(node: Pick<NodeContext, 'runtime' | 'cgroups' | 'clock' | 'kubeletDir' | 'memoryDir'>): Promise<string> {
  const rows = cadvisorRows(await usageOfPods(node), node);
  const info = systemInfo('', node.runtime.info);
  return [
    family('cadvisor_version_info', 'gauge', 'A metric with a constant \'1\' value labeled by kernel version, OS version, docker version, cadvisor version & cadvisor revision.', [{ labels: { cadvisorRevision: '', cadvisorVersion: '', dockerVersion: '', kernelVersion: info.kernelVersion, osVersion: info.osImage }, value: 1 }]),
    ...CADVISOR_FAMILIES.map(({ name, type, help, values, isTimeless }) => family(name, type, help, rows.flatMap((row) => values(row).map(({ value, labels }) => ({ labels: { ...row.labels, ...labels }, value, ...(isTimeless !== true && { at: row.at }) }))))),
    family('container_scrape_error', 'gauge', '1 if there was an error while getting container metrics, 0 otherwise', [{ value: 0 }]),
    machineMetrics({ boot_id: info.bootID, machine_id: info.machineID, system_uuid: info.systemUUID }, node.clock.now()),
  ].join('');
}

/** Left out: machine_nvm_*, for which upstream's builds have no reader either; it says 0. */
function machineMetrics(labels: Record<string, string>, at: number): string {
  const { threads, cores, sockets, books, drawers } = topology();
  const { totalBytes, swapTotalBytes } = machineMemory();
  const gauge = (name: string, help: string, value: number): string => family(name, 'gauge', help, [{ labels, value, at }]);
  return [
    gauge('machine_cpu_books', 'Number of CPU books.', books), gauge('machine_cpu_cores', 'Number of logical CPU cores.', threads), gauge('machine_cpu_drawers', 'Number of CPU drawers.', drawers),
    gauge('machine_cpu_physical_cores', 'Number of physical CPU cores.', cores), gauge('machine_cpu_sockets', 'Number of CPU sockets.', sockets),
    gauge('machine_memory_bytes', 'Amount of memory installed on the machine.', totalBytes), gauge('machine_swap_bytes', 'Amount of swap memory available on the machine.', swapTotalBytes),
    family('machine_scrape_error', 'gauge', '1 if there was an error while getting machine metrics, 0 otherwise.', [{ value: 0 }]),
  ].join('');
}
