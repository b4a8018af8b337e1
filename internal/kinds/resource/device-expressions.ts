// CEL over one device: `device.driver`, `.allowMultipleAllocations`, `.attributes[domain].name`, `.capacity[domain].name` (upstream:
// dynamic-resource-allocation/cel). Claims and classes hold such expressions, the scheduler asks them of devices.
import { BOOL, CelError, compile, objectType, opaque, ownName, ProgramError, type CelType, type MapType, type Program } from '../../cel/index.ts';

/** What an expression may cost, estimated and at one device. */
export const DEVICE_COST_MAX = 1_000_000;
const NAMES_MAX = 32;
const DOMAIN: CelType = { kind: 'string', maxElements: 63 };
const ID: CelType = { kind: 'string', maxElements: 32 };
const mapOf = (key: CelType, value: CelType, sizedFields = false): MapType => ({ kind: 'map', key, value, maxElements: NAMES_MAX, ...(sizedFields && { sizedFields }) });
const DEVICE = objectType('kubernetes.DRADevice', {
  driver: { kind: 'string', maxElements: 63 },
  allowMultipleAllocations: { kind: 'bool', maxElements: 1 },
  attributes: mapOf(DOMAIN, mapOf(ID, { kind: 'dyn', maxElements: 64 }, true)),
  capacity: mapOf(DOMAIN, mapOf(ID, opaque('kubernetes.Quantity'))),
});

/** Throws CelError, ProgramError. */
export function compileDeviceExpression(expression: string): Program {
  return compile(expression, { variables: { device: DEVICE }, bindings: true });
}

/** What is wrong with an expression, in upstream's words; undefined: nothing. */
export function deviceExpressionProblem(expression: string): string | undefined {
  try {
    const { outputType } = compileDeviceExpression(expression);
    return outputType.kind === 'bool' || outputType.kind === 'dyn' ? undefined : `must evaluate to ${ownName(BOOL)} or the unknown type, not ${ownName(outputType)}`;
  } catch (error) {
    if (error instanceof CelError) return `compilation failed: ${error.message}`;
    if (error instanceof ProgramError) return `program instantiation failed: ${error.message}`;
    throw error;
  }
}
