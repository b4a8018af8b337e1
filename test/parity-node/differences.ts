// Which differences from upstream are meant. Everything else is a bug.
import { release, totalmem } from 'node:os';
import { isEmpty, type Meant } from '../support/differences.ts';

/** The machine of the recording: its kernel, and GiB of memory. */
const isElsewhere = !release().startsWith('6.18.') || Math.round(totalmem() / 2 ** 30) !== 24;

export const MEANT: readonly Meant[] = [
  { of: /./, place: /(Time|startedAt|finishedAt)$/, theirs: (value) => value === null, ours: (value) => value === undefined, why: 'a time that nobody has set: Go writes it as null, we leave it out' },
  { of: /./, place: /^final\.(resources|allocatedResources)(\.|$)/, ours: (value) => value === undefined || isEmpty(value), theirs: (value) => text(value).includes('9007199254740988Ki'), why: 'what cgroup v1 has for no limit' },
  { of: /./, place: /^final\.resources(\.|$)/, theirs: (value) => value === undefined, why: 'upstream reads them back from the pod\'s cgroup, which may be gone by then' },
  { of: /^env-resources/, place: /^final\.resources\./, why: 'upstream reads them back from the cgroup, which knows whole pages' },
  { of: /^env-mounts$/, place: /^output\.main$/, why: 'secrets lie on one tmpfs of the node; the host of the recording had a hierarchy named systemd' },
  { of: /./, place: /^output\./, both: isMixed, why: 'what a program complains of comes by another stream than the rest: which is read first is chance' },
  { of: /^(env-limits-of-the-process|env-mounts|masked-paths|capabilities-all|privileged|resize-infeasible.*)$/, place: /^output\./, ours: () => isElsewhere, why: 'what the machine and its kernel have' },
  { of: /^env-file-missing$/, place: /^(events|final\.containerStatuses\.0\.state\.waiting\.message|containers\.main)/, why: 'the variable is missing here as well, in other words' },
  { of: /^downward$/, place: /^output\.main$/, theirs: (value) => text(value).includes('kubernetes.io/config.seen'), why: 'upstream\'s kubelet shows its own bookkeeping as annotations of the pod: when it saw it, anew whenever it starts' },
  { of: /^env-file-missing-key$/, place: /./, theirs: (value) => text(value).includes('/var/lib/peer/kubelet'), why: 'the folder of the kubelet of the recording' },
  { of: /^env-file-missing-key$/, place: /^events$/, ours: (value) => text(value).includes('/var/lib/kubelet'), why: 'as above' },
  { of: /^runtime-class-without-runtime$/, place: /^events$/, both: sayBoth('is configured'), why: 'what containerd says before the same words' },
  { of: /^image-volume-sub-path-missing$/, place: /^(events|final\.containerStatuses\.0\.state\.waiting\.message|containers\.main)$/, both: sayBoth('not/here'), why: 'that folder is missing here as well, in other words' },
  { of: /^seccomp-local-missing$/, place: /^(events|final\.containerStatuses\.0\.state\.waiting\.message|containers\.main)$/, both: sayBoth('seccomp/nothere.json: no such file or directory'), why: 'containerd\'s own words before it, and the folder of the kubelet of the recording' },
  { of: /^(volume-image-missing|image-volume-never)$/, place: /^events$/, ours: (value) => text(value).includes('Pulled'), why: 'images of volumes and containers are pulled side by side' },
  { of: /^resize/, place: /^events$/, theirs: (value) => text(value).includes('ResizeCompleted'), ours: (value) => value === undefined, why: 'upstream tells once with the old sizes that it is complete' },
  { of: /^resize-(below-use|requests)$/, place: /^final\.resources\.requests\.memory$/, why: 'of a running pod upstream goes on telling the request of memory that it began with (its source has that as to be done)' },
  { of: /^(delete-after-success$|static-)/, place: /^final\.(generation|metadata\.deletionGracePeriodSeconds)$/, why: 'what the last event of a deletion at once shows: upstream marks the pod first' },
  { of: /^stop-signal$/, place: /./, why: 'the signal that a pod names is sent; upstream has that feature, but switched off' },
  { of: /^image-invalid-name$/, place: /./, why: 'a registry that cannot be reached is told as such' },
  { of: /^reject-out-of-memory$/, place: /./, theirs: (value) => /requested: 10737418240000|^undefined$/.test(text(value)) || value === undefined, why: 'how much memory the machine has' },
  { of: /^reject-extended-resource$/, place: /^final\.resources/, why: 'upstream shows extended resources there too' },
  { of: /^reject-host-port$/, place: /^output/, why: 'the order of the members of an object' },
  { of: /^delete-in-back-off$/, place: /./, why: 'how far it had come when it was deleted' },
  { of: /^post-start-fails$/, place: /^events$/, why: 'whether its second start is seen' },
  { of: /^(readiness-http|readiness-http-named-port|readiness-http-404|readiness-tcp|liveness-http)$/, place: /^events$/, both: (ours, theirs) => text(ours ?? theirs).endsWith('connection refused"'), why: 'whether the server is up at the first probe' },
  { of: /^(liveness|startup)-/, place: /^events$/, ours: (value) => text(value).includes('Warning BackOff'), why: 'whether it is still looked at when it has failed again and again' },
  { of: /^startup-holds-up-the-others$/, place: /^(containers\.main|final\.containerStatuses\.0\.started|events)$/, why: 'of one that was started again upstream tells what was known of the one before, until its own first probe; and of a probe that found it ended' },
  { of: /^deadline-while-pulling$/, place: /^events$/, ours: (value) => /BackOff/.test(text(value)), why: 'how often it was pulled until then' },
  { of: /^delete-readiness$/, place: /^events$/, theirs: (value) => text(value).includes('context canceled'), why: 'a probe that runs while its container goes' },
];

function isMixed(ours: unknown, theirs: unknown): boolean {
  const [a, b] = [ours, theirs].map((value) => (typeof value === 'string' && /^\w+: /m.test(value) ? value.split('\n').sort().join('\n') : undefined));
  return a !== undefined && a === b;
}

function text(value: unknown): string {
  return value === undefined ? '' : JSON.stringify(value);
}

/** As far as either side says anything: events are compared one by one. */
function sayBoth(words: string): (ours: unknown, theirs: unknown) => boolean {
  return (...sides) => sides.every((side) => side === undefined || text(side).includes(words));
}
