// Where the two answers differ, and which of these differences are meant. Everything else is a bug.
import { existsSync } from 'node:fs';
import { compare, unmeant, type Difference, type Meant } from '../support/differences.ts';
import type { Answer } from './row.ts';

const SUMMARY = /^summary/;

const MEANT: readonly Meant[] = [
  { of: /debug\/(flags|pprof)/, place: /./, why: 'profiles and verbosity of a Go program: here they are turned off, and answered as upstream\'s are where they are' },
  { of: /^get \/localVolumes$/, place: /./, why: 'a service of ours: volumes that the server has made on a node' },
  { of: /^post \/checkpoint\//, place: /^body$/, ours: includes('checkpointing of parity/main/shell failed'), theirs: includes('checkpointing of parity/main/shell failed'), why: 'in the words of the runtime, which fails for want of CRIU there' },
  { of: /run of nothing|run that is not there|run with a form|^post \/run/, place: /^body$/, ours: includes('executable file not found'), theirs: includes('executable file not found'), why: 'in the words of the runtime' },
  { of: /command that/, place: /^body\.channels\.[23]$/, ours: includes('exec failed: unable to start container process'), why: 'in the words of the runtime; what runc says goes to stderr as well' },
  { of: /\(v5\)$/, place: /^body\.channels\.3$/, ours: includes('error executing command ['), theirs: includes('command terminated with exit code'), why: 'upstream\'s kubelet is a client of its runtime in v5 and tells in a client\'s words; the code stands in the cause' },
  { of: /^log/, place: /^headers\.content-type$/, theirs: (value) => value === undefined, why: 'that it is text is said here' },
  { of: /stream=Std/, place: /./, theirs: (value) => value === undefined || value === 400 || (typeof value === 'string' && /PodLogsQuerySplitStreams|^text.plain/.test(value)), why: 'one stream alone is given here; upstream has that behind a gate which is off' },
  { of: /^log of one that waits/, place: /^body$/, ours: isPulling, theirs: isPulling, why: 'whether it pulls at the moment or waits to' },
  { of: /over SPDY as/, place: /^body$/, ours: includes('unable to negotiate protocol'), theirs: includes('unable to negotiate protocol'), why: 'upstream says it twice' },
  { of: /^forward over SPDY without a version$/, place: /./, why: 'upstream\'s runtime answers 200 with nothing, which its kubelet cannot pass on; here it is told what is wanting, as for exec' },
  { of: /^(no protocol|forward without a protocol)$/, place: /./, why: 'upstream upgrades and falls silent; the oldest protocol is spoken here' },
  { of: /^forward/, place: /^body\.channels\.[13]$/, ours: includes('connection refused'), theirs: includes('connection refused'), why: 'where the pod lies on the node, in the words of the runtime' },
  { of: /^a protocol of nonsense$/, place: /content-type/, why: 'an empty text is one' },
  { of: /^pods$/, place: /managedFields/, why: 'how far the API server has heard of it when it is asked' },
  { of: /^pods$/, place: /lastProbeTime$/, why: 'a time that nobody has set: Go writes it as null, we leave it out' },
  { of: /^pods$/, place: /status\.resources/, why: 'upstream reads limits that nobody set from cgroup v1, whose largest number is one' },
  { of: SUMMARY, place: /\.interfaces\./, why: 'interfaces of the machine of the recording' },
  { of: SUMMARY, place: /^body\.pods\..*\.psi$/, ours: isNothing, why: 'upstream tells zeros of what cgroups v1 do not count' },
  { of: SUMMARY, place: /^body\.node\.systemContainers\.pods\..*psi$/, ours: isNothing, why: 'as above' },
  { of: SUMMARY, place: /\.containers\..*\.psi$/, theirs: isNothing, why: 'with cgroups v2, which the recording had not' },
  { of: SUMMARY, place: /^body\.node\.(cpu|memory|io)\.psi$/, ours: (value) => isNothing(value) && !existsSync('/proc/pressure/cpu'), why: 'a kernel that does not tell of pressure' },
  { of: SUMMARY, place: /\.(availableBytes|swapAvailableBytes)$/, ours: isNothing, why: 'told where the container has a limit; upstream takes that of cgroups around it' },
  { of: SUMMARY, place: /^body\.pods\.[^.]+\.(network|process_stats|volume)$/, theirs: isNothing, why: 'upstream looks at them now and then, and had not yet when it was recorded' },
  { of: SUMMARY, place: /usageNanoCores$/, ours: isNothing, why: 'a rate is told from the second reading on' },
  { of: /^metrics of resources$/, place: /container_swap_limit_bytes/, why: 'a container\'s share of swap is not limited apart where swap is not given' },
  { of: /^metrics as protobuf$/, place: /content-type/, why: 'scrapers that prefer protobuf take text as well' },
  { of: /^metrics(| of cadvisor)$/, place: /./, why: 'families, by unit tests: test/unit/kubelet/kubelet-metrics.test.ts and cadvisor.test.ts say which are told and why others are not' },
  { of: /^configuration$/, place: /kubeproxy/, why: 'of another program that shared the process in the recording' },
  { of: /^configuration$/, place: /^body\.kubeletconfig\.[a-zA-Z0-9.]+$/, ours: isNothing, why: 'settings of parts that are not here: rates of its clients, sweeps, logs of klog, paths of certificates' },
  { of: /^configuration$/, place: /^body\.kubeletconfig\.[a-zA-Z]+$/, theirs: isNothing, why: 'upstream leaves out what is empty' },
  { of: /^configuration$/, place: /enforceNodeAllocatable|memorySwap/, why: 'as set' },
];

function includes(words: string): (value: unknown) => boolean {
  return (value) => typeof value === 'string' && value.includes(words);
}

function isNothing(value: unknown): boolean {
  return value === undefined;
}

function isPulling(value: unknown): boolean {
  return /is waiting to start: (image can't be pulled|trying and failing to pull image)$/.test(String(value));
}

export function differences(row: string, ours: Answer, theirs: Answer): Difference[] {
  return unmeant(row, compare('', { ours, theirs }), MEANT);
}
