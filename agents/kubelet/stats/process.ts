// This process itself, as Prometheus' clients tell of theirs, from /proc. All-in-one it is all of Skiff.
import { readFileSync, readdirSync } from 'node:fs';
import { family } from './exposition.ts';
import { bootTimeMs } from './machine.ts';

const PAGE_BYTES = 4096;

export function processMetrics(): string {
  const fields = statFields();
  const limits = readFileSync('/proc/self/limits', 'utf8');
  const limit = (name: string): number => Number(new RegExp(`^${name}\\s+(\\d+)`, 'm').exec(limits)?.[1] ?? '-1');
  const { received, sent } = octetsIn(readFileSync('/proc/self/net/netstat', 'utf8'));
  const gauge = (name: string, help: string, value: number): string => family(`process_${name}`, 'gauge', help, [{ value }]);
  const counter = (name: string, help: string, value: number): string => family(`process_${name}`, 'counter', help, [{ value }]);
  return [
    counter('cpu_seconds_total', 'Total user and system CPU time spent in seconds.', ((fields[11] ?? 0) + (fields[12] ?? 0)) / 100),
    gauge('max_fds', 'Maximum number of open file descriptors.', limit('Max open files')),
    counter('network_receive_bytes_total', 'Number of bytes received by the process over the network.', received),
    counter('network_transmit_bytes_total', 'Number of bytes sent by the process over the network.', sent),
    gauge('open_fds', 'Number of open file descriptors.', readdirSync('/proc/self/fd').length),
    gauge('resident_memory_bytes', 'Resident memory size in bytes.', (fields[21] ?? 0) * PAGE_BYTES),
    processStart(),
    gauge('virtual_memory_bytes', 'Virtual memory size in bytes.', fields[20] ?? 0),
    gauge('virtual_memory_max_bytes', 'Maximum amount of virtual memory available in bytes.', limit('Max address space')),
  ].join('');
}

/** `stability`: of a registry that tells it (`[ALPHA] `). */
export function processStart(stability = ''): string {
  return family('process_start_time_seconds', 'gauge', `${stability}Start time of the process since unix epoch in seconds.`, [{ value: processStartMs() / 1000 }]);
}

/** Epoch ms. */
export function processStartMs(): number {
  return bootTimeMs() + (statFields()[19] ?? 0) * 10;
}

/** Of /proc/self/stat, from the state on. */
function statFields(): number[] {
  return readFileSync('/proc/self/stat', 'utf8').replace(/^[^]*\) /, '').split(' ').map(Number);
}

/** Of its network namespace, as Prometheus' own clients have it. `text`: /proc/net/netstat, a line of names and one of values for each protocol. */
export function octetsIn(text: string): { received: number; sent: number } {
  const [names = [], values = []] = text.split('\n').filter((line) => line.startsWith('IpExt:')).map((line) => line.split(' '));
  const of = (name: string): number => Number(values[names.indexOf(name)] ?? 0);
  return { received: of('InOctets'), sent: of('OutOctets') };
}
