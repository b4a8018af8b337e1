// Validation of containers of all three sorts (upstream: validateContainers, validateInitContainers, validateEphemeralContainers).
import { duplicate, fieldNotFound as notFound, forbidden, invalid, notSupported, required, tooMany, type FieldError } from '../../api/field-error.ts';
import { dnsLabelProblems, portNameProblems, portNumberProblems } from '../../api/names.ts';
import type { Container, ContainerPort, ContainerResizePolicy, ContainerRestartRule, EphemeralContainer, PodSpec } from '../generated/api-types.ts';
import { oneOf } from '../choices.ts';
import { validateEnv, validateEnvFrom } from './environment.ts';
import { validateLifecycle, validateProbes } from './probes.ts';
import { validateResources } from './resources.ts';
import { validateSecurityContext } from './security.ts';
import { validateVolumeDevices, validateVolumeMounts } from './volume-mounts.ts';
import type { VolumeKinds } from './volumes.ts';

export interface ContainerContext {
  volumes: VolumeKinds;
  gracePeriod: number;
  hostUsers: boolean;
  claims: ReadonlySet<string>;
  /** The pod's restart policy is Never. */
  endsForGood: boolean;
}

/** What an ephemeral container may not have. */
const EPHEMERAL_FORBIDDEN = ['ports', 'resizePolicy', 'restartPolicy', 'restartPolicyRules', 'livenessProbe', 'readinessProbe', 'startupProbe', 'lifecycle'] as const;
const ACTIONS = ['Restart', 'RestartAllContainers'];
const OPERATORS = ['In', 'NotIn'];
const ONLY_SIDECARS = ['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe'] as const;

export function validateContainers(containers: readonly Container[], path: string, context: ContainerContext): FieldError[] {
  if (containers.length === 0) return [required(path)];
  const names = new Set<string>();
  const errors = containers.flatMap((container, index) => {
    const at = `${path}[${String(index)}]`;
    const own = [...validateContainer(container, at, context)];
    if (names.has(container.name)) own.push(duplicate(`${at}.name`, container.name));
    names.add(container.name);
    own.push(...validateLifecycle(container.lifecycle, `${at}.lifecycle`, context.gracePeriod), ...validateProbes(container, at), ...validateRestartPolicy(container, at));
    return own;
  });
  return [...errors, ...hostPortConflicts(containers, path)];
}

export function validateInitContainers({ initContainers = [], containers }: PodSpec, path: string, context: ContainerContext): FieldError[] {
  const names = new Set((containers ?? []).map(({ name }) => name));
  return initContainers.flatMap((container, index) => {
    const at = `${path}[${String(index)}]`;
    const errors = [...validateContainer(container, at, context), ...validateRestartPolicy(container, at)];
    if (names.has(container.name)) errors.push(duplicate(`${at}.name`, container.name));
    else if (container.name) names.add(container.name);
    errors.push(...hostPortConflicts([container], path));
    if (container.restartPolicy === 'Always') {
      errors.push(...validateLifecycle(container.lifecycle, `${at}.lifecycle`, context.gracePeriod), ...validateProbes(container, at));
    } else {
      for (const field of ONLY_SIDECARS) if (container[field] !== undefined) errors.push(forbidden(`${at}.${field}`, 'may not be set for init containers without restartPolicy=Always'));
    }
    return errors;
  });
}

export function validateEphemeralContainers({ ephemeralContainers = [], containers, initContainers = [] }: PodSpec, path: string, context: ContainerContext): FieldError[] {
  const others = new Set([...(containers ?? []), ...initContainers].map(({ name }) => name));
  const names = new Set(others);
  return ephemeralContainers.flatMap((container, index) => {
    const at = `${path}[${String(index)}]`;
    const errors = validateContainer(container, at, context);
    if (names.has(container.name)) errors.push(duplicate(`${at}.name`, container.name));
    names.add(container.name);
    if (container.targetContainerName && !others.has(container.targetContainerName)) errors.push(notFound(`${at}.targetContainerName`, container.targetContainerName));
    for (const field of EPHEMERAL_FORBIDDEN) {
      const value = container[field];
      if (value !== undefined && !(Array.isArray(value) && value.length === 0)) errors.push(forbidden(`${at}.${field}`, 'cannot be set for an Ephemeral Container'));
    }
    if (Object.keys(container.resources ?? {}).length > 0) errors.push(forbidden(`${at}.resources`, 'cannot be set for an Ephemeral Container'));
    (container.volumeMounts ?? []).forEach(({ subPath, subPathExpr }, mount) => {
      if (subPath) errors.push(forbidden(`${at}.volumeMounts[${String(mount)}].subPath`, 'cannot be set for an Ephemeral Container'));
      if (subPathExpr) errors.push(forbidden(`${at}.volumeMounts[${String(mount)}].subPathExpr`, 'cannot be set for an Ephemeral Container'));
    });
    return errors;
  });
}

function validateContainer(container: Container | EphemeralContainer, path: string, context: ContainerContext): FieldError[] {
  const errors: FieldError[] = [];
  if (!container.name) errors.push(required(`${path}.name`));
  else for (const problem of dnsLabelProblems(container.name)) errors.push(invalid(`${path}.name`, container.name, problem));
  if (!container.image) errors.push(required(`${path}.image`));
  errors.push(...oneOf(container.terminationMessagePolicy, `${path}.terminationMessagePolicy`, ['File', 'FallbackToLogsOnError']));
  return [
    ...errors, ...validatePorts(container.ports ?? [], `${path}.ports`), ...validateEnv(container.env ?? [], `${path}.env`), ...validateEnvFrom(container.envFrom ?? [], `${path}.envFrom`),
    ...validateVolumeMounts(container, context.volumes, `${path}.volumeMounts`), ...validateVolumeDevices(container, context.volumes, `${path}.volumeDevices`),
    ...oneOf(container.imagePullPolicy, `${path}.imagePullPolicy`, ['Always', 'IfNotPresent', 'Never']),
    ...validateResources(container.resources, `${path}.resources`, context.claims), ...validateResizePolicy(container.resizePolicy ?? [], `${path}.resizePolicy`, context.endsForGood),
    ...validateSecurityContext(container.securityContext, `${path}.securityContext`, context.hostUsers),
  ];
}

const RESIZABLE = ['cpu', 'memory'];
const RESIZES = ['NotRequired', 'RestartContainer'];

function validateResizePolicy(policies: readonly Partial<ContainerResizePolicy>[], path: string, endsForGood: boolean): FieldError[] {
  const seen = new Set<string>();
  return policies.flatMap(({ resourceName = '', restartPolicy = '' }: { resourceName?: string; restartPolicy?: string }, index) => {
    const errors = seen.has(resourceName) ? [duplicate(`${path}[${String(index)}]`, resourceName)] : [];
    seen.add(resourceName);
    errors.push(...oneOf(resourceName, path, RESIZABLE), ...oneOf(restartPolicy, path, RESIZES));
    return endsForGood && restartPolicy !== 'NotRequired' ? [...errors, invalid(path, restartPolicy, "must be 'NotRequired' when pod `restartPolicy` is 'Never'")] : errors;
  });
}

function validatePorts(ports: readonly ContainerPort[], path: string): FieldError[] {
  const names = new Set<string>();
  return ports.flatMap(({ name, containerPort, hostPort, protocol }, index) => {
    const at = `${path}[${String(index)}]`;
    const errors: FieldError[] = [];
    if (name) {
      const problems = portNameProblems(name);
      if (problems.length > 0) errors.push(...problems.map((problem) => invalid(`${at}.name`, name, problem)));
      else if (names.has(name)) errors.push(duplicate(`${at}.name`, name));
      else names.add(name);
    }
    if (!containerPort) errors.push(required(`${at}.containerPort`));
    else for (const problem of portNumberProblems(containerPort)) errors.push(invalid(`${at}.containerPort`, containerPort, problem));
    if (hostPort) for (const problem of portNumberProblems(hostPort)) errors.push(invalid(`${at}.hostPort`, hostPort, problem));
    errors.push(...oneOf(protocol, `${at}.protocol`, ['SCTP', 'TCP', 'UDP']));
    return errors;
  });
}

function validateRestartPolicy({ restartPolicy, restartPolicyRules = [] }: Container, path: string): FieldError[] {
  const allowed = ['Always', 'Never', 'OnFailure'];
  const errors: FieldError[] = [];
  if (restartPolicy !== undefined && !allowed.includes(restartPolicy)) errors.push(notSupported(`${path}.restartPolicy`, restartPolicy, allowed));
  if (restartPolicyRules.length > 0 && restartPolicy === undefined) errors.push(required(`${path}.restartPolicy`, 'must specify restartPolicy when restart rules are used'));
  if (restartPolicyRules.length > RULES_MAX) errors.push(tooMany(`${path}.restartPolicyRules`, restartPolicyRules.length, RULES_MAX));
  return [...errors, ...restartPolicyRules.flatMap((rule, index) => validateRestartRule(rule, `${path}.restartPolicyRules[${String(index)}]`))];
}

const RULES_MAX = 20;
const CODES_MAX = 255;

function validateRestartRule({ action, exitCodes }: Partial<ContainerRestartRule>, path: string): FieldError[] {
  const errors = action !== undefined && ACTIONS.includes(action) ? [] : [notSupported(`${path}.action`, action ?? '', ACTIONS)];
  if (exitCodes === undefined) return [...errors, required(`${path}.exitCodes`, 'must be specified')];
  const { operator, values = [] } = exitCodes as Partial<typeof exitCodes>;
  if (operator === undefined || !OPERATORS.includes(operator)) errors.push(notSupported(`${path}.exitCodes.operator`, operator ?? '', OPERATORS));
  return values.length > CODES_MAX ? [...errors, tooMany(`${path}.exitCodes.values`, values.length, CODES_MAX)] : errors;
}

function hostPortConflicts(containers: readonly Container[], path: string): FieldError[] {
  const taken = new Set<string>();
  return containers.flatMap(({ ports = [] }, index) => ports.flatMap(({ hostPort, hostIP = '', protocol = '' }, port) => {
    if (!hostPort) return [];
    const key = `${protocol}/${hostIP}/${String(hostPort)}`;
    if (taken.has(key)) return [duplicate(`${path}[${String(index)}].ports[${String(port)}].hostPort`, key)];
    taken.add(key);
    return [];
  }));
}
