// Validation of probes and lifecycle hooks (upstream: validateProbe, validateHandler, validateLifecycle).
import { forbidden, invalid, notSupported, required, type FieldError } from '../../api/field-error.ts';
import { portNameProblems, portNumberProblems, regexpWords } from '../../api/names.ts';
import type { Container, HTTPGetAction, Lifecycle, LifecycleHandler, Probe } from '../generated/api-types.ts';
import { nonNegative } from '../numbers.ts';

const HANDLERS = ['exec', 'httpGet', 'tcpSocket', 'grpc', 'sleep'] as const;
const COUNTS = ['initialDelaySeconds', 'timeoutSeconds', 'periodSeconds', 'successThreshold', 'failureThreshold'] as const;

export function validateProbes(container: Container, path: string): FieldError[] {
  const { livenessProbe, readinessProbe, startupProbe } = container;
  const errors = [...validateProbe(livenessProbe, `${path}.livenessProbe`, true), ...validateProbe(readinessProbe, `${path}.readinessProbe`, false)];
  if (readinessProbe?.terminationGracePeriodSeconds !== undefined) {
    errors.push(invalid(`${path}.readinessProbe.terminationGracePeriodSeconds`, readinessProbe.terminationGracePeriodSeconds, 'must not be set for readinessProbes'));
  }
  return [...errors, ...validateProbe(startupProbe, `${path}.startupProbe`, true)];
}

export function validateLifecycle(lifecycle: Lifecycle | undefined, path: string, gracePeriod: number): FieldError[] {
  const errors: FieldError[] = [];
  if (lifecycle?.postStart !== undefined) errors.push(...validateHandler(lifecycle.postStart, `${path}.postStart`, gracePeriod));
  if (lifecycle?.preStop !== undefined) errors.push(...validateHandler(lifecycle.preStop, `${path}.preStop`, gracePeriod));
  return errors;
}

function validateProbe(probe: Probe | undefined, path: string, onceOnly: boolean): FieldError[] {
  if (probe === undefined) return [];
  const errors = [...validateHandler(probe, path, 0), ...COUNTS.flatMap((field) => nonNegative(probe[field], `${path}.${field}`))];
  const grace = probe.terminationGracePeriodSeconds;
  if (grace !== undefined && grace <= 0) errors.push(invalid(`${path}.terminationGracePeriodSeconds`, grace, 'must be greater than 0'));
  if (onceOnly && probe.successThreshold !== 1) errors.push(invalid(`${path}.successThreshold`, probe.successThreshold ?? 0, 'must be 1'));
  return errors;
}

function validateHandler(handler: Probe & LifecycleHandler, path: string, gracePeriod: number): FieldError[] {
  const [first, ...more] = HANDLERS.filter((name) => handler[name] !== undefined);
  if (first === undefined) return [required(path, 'must specify a handler type')];
  return [...validateAction(handler, first, `${path}.${first}`, gracePeriod), ...more.map((name) => forbidden(`${path}.${name}`, 'may not specify more than 1 handler type'))];
}

function validateAction(handler: Probe & LifecycleHandler, name: typeof HANDLERS[number], path: string, gracePeriod: number): FieldError[] {
  switch (name) {
    case 'exec': return (handler.exec?.command ?? []).length === 0 ? [required(`${path}.command`)] : [];
    case 'httpGet': return handler.httpGet === undefined ? [] : validateHttpGet(handler.httpGet, path);
    case 'tcpSocket': return validatePort(handler.tcpSocket?.port ?? 0, `${path}.port`);
    case 'grpc': return validatePort(handler.grpc?.port ?? 0, `${path}.port`);
    case 'sleep': {
      const seconds = handler.sleep?.seconds ?? 0;
      return gracePeriod >= 0 && (seconds < 0 || seconds > gracePeriod) ? [invalid(path, seconds, `must be non-negative and less than terminationGracePeriodSeconds (${String(gracePeriod)})`)] : [];
    }
  }
}

function validateHttpGet({ path: urlPath, port, scheme, httpHeaders = [] }: HTTPGetAction, path: string): FieldError[] {
  const errors: FieldError[] = urlPath ? [] : [required(`${path}.path`)];
  errors.push(...validatePort(port ?? 0, `${path}.port`));
  if (scheme !== 'HTTP' && scheme !== 'HTTPS') errors.push(notSupported(`${path}.scheme`, scheme ?? '', ['HTTP', 'HTTPS']));
  for (const { name = '' } of httpHeaders as readonly { name?: string }[]) {
    if (!/^[-A-Za-z0-9]+$/.test(name)) errors.push(invalid(`${path}.httpHeaders`, name, regexpWords('a valid HTTP header must consist of alphanumeric characters or \'-\'', '[-A-Za-z0-9]+', ['X-Header-Name'])));
  }
  return errors;
}

/** A number from 1 to 65535, or a port's name. */
export function validatePort(port: number | string, path: string): FieldError[] {
  const problems = typeof port === 'number' ? portNumberProblems(port) : portNameProblems(port);
  return problems.map((problem) => invalid(path, port, problem));
}
