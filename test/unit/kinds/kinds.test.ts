// Defaults, validation messages and rows of kinds, against what upstream 1.36 gives.
import t from 'tap';
import { loadSchemas } from '../../../internal/api/schema.ts';
import { errorBody } from '../../../internal/api/field-error.ts';
import type { KubeObject } from '../../../internal/api/meta.ts';
import { formatAge } from '../../../internal/api/age.ts';
import { loadKinds } from '../../../internal/kinds/index.ts';
import type { Kind } from '../../../internal/kinds/kind.ts';
import type { Pod } from '../../../internal/kinds/generated/api-types.ts';

const kinds = loadKinds(loadSchemas());
const NOW = Date.parse('2026-11-21T10:00:00Z');
const METADATA = { name: 'x', namespace: 'default', uid: 'u', resourceVersion: '', creationTimestamp: '2026-11-21T09:59:30Z' };
const CONTEXT = { now: NOW, user: 'test' };

function kind(group: string, name: string): Kind {
  const found = kinds.byKind(group, 'v1', name);
  if (found === undefined) throw new Error(`no ${group}/${name}`);
  return found;
}

function draft(of: Kind, fields: object): KubeObject {
  const { metadata, ...rest } = fields as { metadata?: object };
  return { apiVersion: of.group === '' ? 'v1' : `${of.group}/v1`, kind: of.kind, metadata: { ...METADATA, ...metadata }, ...structuredClone(rest) };
}

function created(of: Kind, fields: object): KubeObject {
  const object = draft(of, fields);
  of.rules.applyDefaults?.(object);
  of.rules.prepareForCreate?.(object, CONTEXT);
  return object;
}

function problems(of: Kind, fields: object): string[] {
  return (of.rules.validate?.(created(of, fields), CONTEXT) ?? []).map((error) => `${error.field}: ${errorBody(error)}`);
}

const CONTAINER = { name: 'c', image: 'nginx' };
const DEFAULTED = { ...CONTAINER, imagePullPolicy: 'Always', terminationMessagePath: '/dev/termination-log', terminationMessagePolicy: 'File', resources: {} };
const SPEC = { dnsPolicy: 'ClusterFirst', restartPolicy: 'Always', securityContext: {}, terminationGracePeriodSeconds: 30, schedulerName: 'default-scheduler' };

t.test('a minimal pod gets upstream\'s defaults and status', (t) => {
  t.same(created(kind('', 'Pod'), { spec: { containers: [CONTAINER] } }), draft(kind('', 'Pod'), {
    spec: { ...SPEC, containers: [DEFAULTED], enableServiceLinks: true }, status: { phase: 'Pending', qosClass: 'BestEffort' },
  }));
  t.end();
});

t.test('requests follow limits, and decide the QoS class', (t) => {
  const pod = created(kind('', 'Pod'), { spec: { containers: [{ ...CONTAINER, resources: { limits: { cpu: '1', memory: '1Gi' } } }] } }) as Pod;
  t.same(pod.spec.containers[0]?.resources?.requests, { cpu: '1', memory: '1Gi' });
  t.equal(pod.status?.qosClass, 'Guaranteed');
  t.end();
});

t.test('a minimal Deployment gets upstream\'s defaults', (t) => {
  const labels = { app: 'x' };
  const of = kind('apps', 'Deployment');
  t.same(created(of, { spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers: [CONTAINER] } } } }), draft(of, {
    spec: {
      selector: { matchLabels: labels }, replicas: 1, strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '25%', maxSurge: '25%' } },
      revisionHistoryLimit: 10, progressDeadlineSeconds: 600, template: { metadata: { labels }, spec: { ...SPEC, containers: [DEFAULTED] } },
    },
    status: {},
  }));
  t.end();
});

t.test('a minimal Service gets upstream\'s defaults', (t) => {
  const of = kind('', 'Service');
  t.same(created(of, { spec: { ports: [{ port: 80 }] } }), draft(of, {
    spec: { type: 'ClusterIP', sessionAffinity: 'None', internalTrafficPolicy: 'Cluster', ports: [{ port: 80, protocol: 'TCP', targetPort: 80 }] }, status: { loadBalancer: {} },
  }));
  t.end();
});

t.test('invalid objects are refused in upstream\'s words', (t) => {
  const pod = kind('', 'Pod');
  const table: [of: Kind, fields: object, expected: string[]][] = [
    [pod, { spec: { containers: [CONTAINER] } }, []],
    [pod, { spec: { containers: [] } }, ['spec.containers: Required value']],
    [pod, { spec: { containers: [{ name: 'A' }] } }, [
      'spec.containers[0].name: Invalid value: "A": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or \'-\', and must start and end with an alphanumeric character (e.g. \'my-name\',  or \'123-abc\', regex used for validation is \'[a-z0-9]([-a-z0-9]*[a-z0-9])?\')',
      'spec.containers[0].image: Required value']],
    [pod, { spec: { containers: [{ ...CONTAINER, volumeMounts: [{ name: 'v', mountPath: '/v' }] }] } }, ['spec.containers[0].volumeMounts[0].name: Not found: "v"']],
    [pod, { spec: { containers: [{ ...CONTAINER, resources: { requests: { cpu: '2' }, limits: { cpu: '1' } } }] } }, ['spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1']],
    [pod, { spec: { containers: [{ ...CONTAINER, livenessProbe: {} }] } }, ['spec.containers[0].livenessProbe: Required value: must specify a handler type']],
    [pod, { spec: { containers: [{ ...CONTAINER, env: [{ name: 'A', valueFrom: {} }] }] } }, ['spec.containers[0].env[0].valueFrom: Invalid value: "": must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`']],
    [kind('apps', 'Deployment'), { spec: { selector: { matchLabels: { a: 'b' } }, template: { metadata: { labels: { a: 'c' } }, spec: { containers: [CONTAINER] } } } },
      ['spec.template.metadata.labels: Invalid value: {"a":"c"}: `selector` does not match template `labels`']],
    [kind('', 'Service'), { spec: { type: 'NodePort' } }, ['spec.ports: Required value']],
    [kind('', 'Service'), { spec: { type: 'ExternalName' } }, ['spec.externalName: Required value']],
    [kind('', 'Secret'), { type: 'kubernetes.io/tls', stringData: { 'tls.crt': 'x' } }, ['data[tls.key]: Required value']],
    [kind('', 'ConfigMap'), { data: { '..': 'x' } }, ['data[..]: Invalid value: "..": must not be \'..\'']],
    [kind('rbac.authorization.k8s.io', 'Role'), { rules: [{ verbs: ['get'] }] },
      ['rules[0].apiGroups: Required value: resource rules must supply at least one api group', 'rules[0].resources: Required value: resource rules must supply at least one resource']],
  ];
  for (const [of, fields, expected] of table) t.same(problems(of, fields), expected, JSON.stringify(fields));
  t.end();
});

t.test('a pod\'s update may change its image but not its command', (t) => {
  const { rules } = kind('', 'Pod');
  const old = created(kind('', 'Pod'), { spec: { containers: [CONTAINER] } }) as Pod;
  const image = structuredClone(old);
  if (image.spec.containers[0] !== undefined) image.spec.containers[0].image = 'nginx:2';
  t.same(rules.validateUpdate?.(image, old, CONTEXT), []);
  const command = structuredClone(old);
  if (command.spec.containers[0] !== undefined) command.spec.containers[0].command = ['sh'];
  t.match(rules.validateUpdate?.(command, old, CONTEXT)[0]?.detail, /^pod updates may not change fields other than `spec.containers\[\*\].image`/);
  t.end();
});

t.test('ephemeral containers only come, and resizing keeps the class', (t) => {
  const { rules } = kind('', 'Pod');
  const old = created(kind('', 'Pod'), { spec: { containers: [CONTAINER], ephemeralContainers: [{ name: 'e', image: 'busybox' }] } }) as Pod;
  const more = structuredClone(old);
  more.spec.ephemeralContainers?.push({ name: 'f', image: 'busybox' });
  t.same(rules.validatePart?.('ephemeralcontainers', more, old), []);
  t.match(rules.validatePart?.('ephemeralcontainers', old, more)[0]?.detail, /^existing ephemeral containers "f" may not be removed/);
  const guaranteed = structuredClone(old);
  const resources = { cpu: '1', memory: '1Gi' };
  if (guaranteed.spec.containers[0] !== undefined) guaranteed.spec.containers[0].resources = { limits: resources, requests: resources };
  t.equal(rules.validatePart?.('resize', guaranteed, old)[0]?.detail, 'Pod QOS Class may not change as a result of resizing');
  t.same(rules.validatePart?.('resize', more, old), []);
  t.end();
});

t.test('rows have a cell for each column', (t) => {
  const pod = created(kind('', 'Pod'), { spec: { nodeName: 'n', containers: [CONTAINER] } }) as Pod;
  pod.status = { phase: 'Running', podIPs: [{ ip: '10.0.0.1' }], containerStatuses: [{ name: 'c', image: '', imageID: '', ready: false, restartCount: 3, state: { waiting: { reason: 'CrashLoopBackOff' } },
    lastState: { terminated: { exitCode: 1, finishedAt: '2026-11-21T09:58:00Z' } } }] };
  t.same(kind('', 'Pod').rules.cells?.(pod, NOW), ['x', '0/1', 'CrashLoopBackOff', '3 (2m ago)', '30s', '10.0.0.1', 'n', '<none>', '<none>']);
  const bodies: Record<string, object> = {
    'Service': { spec: { type: 'ClusterIP', ports: [{ port: 80, protocol: 'TCP' }] } }, 'Event': { involvedObject: { kind: 'Pod', name: 'x' }, regarding: { kind: 'Pod', name: 'x' } },
  };
  const template = { spec: { containers: [CONTAINER] } };
  const spec = { template, containers: [CONTAINER], jobTemplate: { spec: { template } }, scaleTargetRef: {}, priorityLevelConfiguration: { name: 'p' } };
  for (const of of kinds.all()) {
    const object = draft(of, { spec, template, roleRef: { kind: 'Role', name: 'r' }, addressType: 'IPv4', ...bodies[of.kind] });
    const more = of.kind === 'IPAddress' ? 1 : 0; // upstream gives it an age that is in no column
    if (of.columns.length > 0) t.equal(of.rules.cells?.(object, NOW).length, of.columns.length + more, `${of.group}/${of.kind}`);
  }
  t.end();
});

t.test('durations read as kubectl\'s', (t) => {
  const table: [seconds: number, text: string][] = [[5, '5s'], [119, '119s'], [120, '2m'], [130, '2m10s'], [3600, '60m'], [10_800, '3h'], [11_000, '3h3m'], [86_400, '24h'], [180_000, '2d2h'], [864_000, '10d']];
  for (const [seconds, text] of table) t.equal(formatAge(seconds * 1000), text);
  t.end();
});

t.test('defaults and validation of a small pod are quick', (t) => {
  const { rules } = kind('', 'Pod');
  const pod = created(kind('', 'Pod'), { spec: { containers: [CONTAINER] } });
  t.doesNotThrow(() => { for (let count = 0; count < 100; count++) { rules.applyDefaults?.(pod); rules.validate?.(pod, CONTEXT); } });
  t.end();
});

t.test("what security contexts and operating systems may not say", (t) => {
  const pod = (spec: object): string[] => problems(kind('', 'Pod'), { spec: { containers: [CONTAINER], ...spec } });
  const container = (securityContext: object, spec: object = {}): string[] => pod({ containers: [{ ...CONTAINER, securityContext }], ...spec });
  t.same(container({ procMount: 'Unmasked' }), ['spec.containers[0].securityContext.procMount: Invalid value: "Unmasked": `hostUsers` must be false to use `Unmasked`']);
  t.same(container({ procMount: 'Unmasked' }, { hostUsers: false }), []);
  t.same(pod({ hostUsers: false, hostNetwork: true, hostPID: true, hostIPC: true }), ['hostNetwork', 'HostPID', 'HostIPC'].map((field) => `spec.${field}: Forbidden: when \`hostUsers\` is false`));
  t.ok(pod({ hostUsers: false, containers: [{ ...CONTAINER, volumeDevices: [{ name: 'v', devicePath: '/dev/x' }] }] }).includes('spec.containers[0].volumeDevices: Forbidden: when `hostUsers` is false'));
  t.same(container({ windowsOptions: { runAsUserName: 'x' } }, { os: { name: 'linux' }, securityContext: { windowsOptions: {} } }), ['spec.securityContext', 'spec.containers[0].securityContext'].map((at) => `${at}.windowsOptions: Forbidden: windows options cannot be set for a linux pod`));
  t.same(container({ privileged: false, runAsUser: 1 }, { os: { name: 'windows' }, hostUsers: true, hostPID: true, securityContext: { fsGroup: 1 } }), ['hostUsers', 'hostPID', 'securityContext.fsGroup', 'containers[0].securityContext.privileged', 'containers[0].securityContext.runAsUser'].map((at) => `spec.${at}: Forbidden: cannot be set for a windows pod`));
  t.same(pod({ os: { name: 'plan9' } }), ['spec.os: Unsupported value: "plan9": supported values: "linux", "windows"']);
  t.end();
});
