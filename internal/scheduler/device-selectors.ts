// Device selectors: CEL over one device, `device.driver`, `.attributes[domain].name`, `.capacity[domain].name` (upstream: dynamic-resource-allocation/cel).
// A domain that an expression names and a device has nothing of is empty, as upstream has it.
import { messageOf } from '../base/errors.ts';
import { compile, STRING, type Program } from '../cel/index.ts';
import { compileDeviceExpression, DEVICE_COST_MAX } from '../kinds/resource/device-expressions.ts';
import type { Device, DeviceAttribute } from '../kinds/generated/api-types.ts';

const PROGRAMS_MAX = 100;

const programs = new Map<string, Program>();

/** Throws when the expression is wrong, or fails on this device. */
export function deviceMatches(expression: string, driver: string, device: Device): boolean {
  const variables = { driver, allowMultipleAllocations: device.allowMultipleAllocations === true, attributes: domains(expression, 'attributes'), capacity: domains(expression, 'capacity') };
  for (const [name, attribute] of Object.entries(device.attributes ?? {})) put(variables.attributes, name, driver, valueOf(attribute));
  for (const [name, { value }] of Object.entries(device.capacity ?? {})) put(variables.capacity, name, driver, parsed('quantity(v)', value));
  return programOf(expression).evaluate({ device: variables }, { costLimit: DEVICE_COST_MAX }).value === true;
}

function programOf(expression: string): Program {
  let program = programs.get(expression);
  if (program === undefined) {
    try {
      program = compileDeviceExpression(expression);
    } catch (error) {
      throw new Error(`CEL compile error: ${expression}: ${messageOf(error)}`, { cause: error });
    }
    if (programs.size >= PROGRAMS_MAX) programs.clear();
    programs.set(expression, program);
  }
  return program;
}

type ByDomain = Record<string, Record<string, unknown>>;

function domains(expression: string, of: 'attributes' | 'capacity'): ByDomain {
  const named = expression.matchAll(new RegExp(`\\b${of}\\s*\\[\\s*(["'])(.+?)\\1\\s*\\]`, 'g'));
  return Object.fromEntries([...named].map(([, , domain = '']) => [domain, {}]));
}

/** A name without a domain is of the driver's. */
function put(into: ByDomain, name: string, driver: string, value: unknown): void {
  const slash = name.indexOf('/');
  const [domain, id] = slash < 0 ? [driver, name] : [name.slice(0, slash), name.slice(slash + 1)];
  (into[domain] ??= {})[id] = value;
}

function valueOf({ version, ...others }: DeviceAttribute): unknown {
  return version === undefined ? Object.values(others).find((value) => value !== undefined) : parsed('semver(v)', version);
}

function parsed(expression: 'quantity(v)' | 'semver(v)', value: string): unknown {
  let program = programs.get(expression);
  if (program === undefined) programs.set(expression, (program = compile(expression, { variables: { v: STRING } })));
  return program.evaluate({ v: value }).value;
}
