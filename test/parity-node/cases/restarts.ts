// Restart policies of pods and containers, rules by exit code, back-off, last words, the pod's own deadline.
import { always, ending, never, restarted, sh, stay, waits, type NodeCase } from '../case.ts';

const onFailure = { restartPolicy: 'OnFailure' } as const;

export const RESTARTS: readonly NodeCase[] = [
  { name: 'never-succeeds', spec: never(ending('main', 0)), ends: 'Succeeded' },
  { name: 'never-fails', spec: never(ending('main', 3)), ends: 'Failed' },
  { name: 'never-one-of-two-fails', spec: never(ending('good', 0), sh('bad', 'sleep 5; exit 7')), ends: 'Failed' },
  { name: 'never-one-goes-on', spec: never(ending('short', 1), stay('long')), ends: (pod) => pod.status?.containerStatuses?.some(({ state }) => state?.terminated !== undefined) === true },
  { name: 'on-failure-succeeds', spec: { ...never(ending('main', 0)), ...onFailure }, ends: 'Succeeded' },
  { name: 'on-failure-back-off', spec: { ...never(ending('main', 1)), ...onFailure }, ends: waits('main', 'CrashLoopBackOff'), passing: true },
  { name: 'always-ready', spec: always(stay('main')), ends: 'Ready' },
  { name: 'always-completes-back-off', spec: always(ending('main', 0)), ends: waits('main', 'CrashLoopBackOff'), passing: true },
  { name: 'always-fails-back-off', spec: always(ending('main', 2)), ends: waits('main', 'CrashLoopBackOff'), passing: true },
  { name: 'always-third-start', spec: always(sh('main', 'sleep 2; exit 2')), ends: restarted('main', 2), passing: true },
  { name: 'always-one-crashes', spec: always(stay('good'), ending('bad', 4)), ends: waits('bad', 'CrashLoopBackOff'), passing: true },
  { name: 'signal-kill', spec: never(sh('main', 'sleep 3; kill -9 $$')), ends: 'Failed', without: { containers: 'whether the first process of a PID namespace can kill itself' } },
  { name: 'signal-term', spec: never(sh('main', '(sleep 3; kill -TERM $$) & exec sleep 5')), ends: (pod) => pod.status?.phase === 'Failed' || pod.status?.phase === 'Succeeded' },
  { name: 'killed-from-outside', spec: { ...never(sh('main', 'exec sleep 4321'), stay('other')), shareProcessNamespace: true }, steps: async (play) => { await play.until('Ready', 'ready'); await play.exec('other', 'sh', '-c', 'kill -9 $(pidof sleep)'); }, ends: (pod) => pod.status?.containerStatuses?.some(({ state }) => state?.terminated !== undefined) === true },
  { name: 'container-policy-never', spec: always(stay('main'), ending('once', 1, { restartPolicy: 'Never' })), ends: (pod) => pod.status?.containerStatuses?.some(({ state }) => state?.terminated !== undefined) === true },
  { name: 'container-policy-on-failure', spec: never(ending('again', 1, { restartPolicy: 'OnFailure' })), ends: waits('again', 'CrashLoopBackOff'), passing: true },
  { name: 'container-policy-always', spec: never(ending('again', 0, { restartPolicy: 'Always' }), stay('main')), ends: waits('again', 'CrashLoopBackOff'), passing: true },
  { name: 'rule-restarts', spec: never(ending('main', 42, { restartPolicy: 'Never', restartPolicyRules: [{ action: 'Restart', exitCodes: { operator: 'In', values: [42] } }] })), ends: waits('main', 'CrashLoopBackOff'), passing: true },
  { name: 'rule-does-not-match', spec: never(ending('main', 41, { restartPolicy: 'Never', restartPolicyRules: [{ action: 'Restart', exitCodes: { operator: 'In', values: [42] } }] })), ends: 'Failed' },
  { name: 'rule-not-in', spec: never(ending('main', 41, { restartPolicy: 'Never', restartPolicyRules: [{ action: 'Restart', exitCodes: { operator: 'NotIn', values: [42] } }] })), ends: waits('main', 'CrashLoopBackOff'), passing: true },
  { name: 'deadline', spec: { ...always(stay('main')), activeDeadlineSeconds: 10 }, ends: (pod) => pod.status?.phase === 'Failed' && pod.status.containerStatuses?.[0]?.state?.terminated !== undefined },
  { name: 'deadline-in-back-off', spec: { ...always(sh('main', 'sleep 2; exit 1')), activeDeadlineSeconds: 14 }, ends: 'Failed' },
  { name: 'message-file', spec: never(sh('main', 'printf "last words" > /dev/termination-log; sleep 3; exit 1')), ends: 'Failed' },
  { name: 'message-of-success', spec: never(sh('main', 'printf "all is well" > /dev/termination-log; sleep 3')), ends: 'Succeeded' },
  { name: 'message-path', spec: never(sh('main', 'printf elsewhere > /tmp/words; sleep 3; exit 1', { terminationMessagePath: '/tmp/words' })), ends: 'Failed' },
  { name: 'message-too-long', spec: never(sh('main', 'head -c 5000 /dev/zero | tr "\\0" a > /dev/termination-log; printf end >> /dev/termination-log; sleep 3; exit 1')), ends: 'Failed' },
  { name: 'message-from-log', spec: never(sh('main', 'echo from the log; sleep 1; echo and an error >&2; sleep 3; exit 1', { terminationMessagePolicy: 'FallbackToLogsOnError' })), ends: 'Failed' },
  { name: 'message-from-log-not-on-success', spec: never(sh('main', 'echo from the log; sleep 3', { terminationMessagePolicy: 'FallbackToLogsOnError' })), ends: 'Succeeded' },
  { name: 'message-from-long-log', spec: never(sh('main', 'i=0; while [ $i -lt 100 ]; do echo "line $i"; i=$((i+1)); done; sleep 3; exit 1', { terminationMessagePolicy: 'FallbackToLogsOnError' })), ends: 'Failed' },
  { name: 'message-from-wide-log', spec: never(sh('main', 'head -c 3000 /dev/zero | tr "\\0" a; echo; sleep 3; exit 1', { terminationMessagePolicy: 'FallbackToLogsOnError' })), ends: 'Failed' },
  { name: 'message-file-before-log', spec: never(sh('main', 'echo from the log; printf file > /dev/termination-log; sleep 3; exit 1', { terminationMessagePolicy: 'FallbackToLogsOnError' })), ends: 'Failed' },
];
