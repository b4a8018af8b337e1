// The types of CEL expressions, as cel-go's checker knows them. Types are plain values: two are the same when `sameType` says so.
// An object type carries its fields with it, so nobody has to look a name up; `maxElements` and `minSize` feed the cost estimate of CRD rules.

export type PrimitiveKind = 'dyn' | 'null' | 'bool' | 'int' | 'uint' | 'double' | 'string' | 'bytes' | 'timestamp' | 'duration' | 'error';

export interface PrimitiveType {
  kind: PrimitiveKind;
  /** Longest value in bytes, where a schema bounds it. */
  maxElements?: number;
  /** Smallest JSON text in bytes. */
  minSize?: number;
}
export interface ListType {
  kind: 'list';
  of: CelType;
  maxElements?: number;
  minSize?: number;
  /** x-kubernetes-list-type: equality forgets the order, and adding merges, by these keys in a map. */
  listType?: 'set' | 'map';
  mapKeys?: readonly string[];
}
export interface MapType {
  kind: 'map';
  key: CelType;
  value: CelType;
  maxElements?: number;
  minSize?: number;
  /** The sizes of values hold where they are read as fields too (`attributes['d'].name`), which upstream knows of devices' attributes alone. */
  sizedFields?: boolean;
}
/** A type known by its name alone: optional_type(T), kubernetes.Quantity, net.IP, kubernetes.authorization.Authorizer … */
export interface OpaqueType { kind: 'opaque'; name: string; parameters: readonly CelType[] }
export interface ObjectType {
  kind: 'object';
  /** What error texts call it. */
  name: string;
  /** The type of a field by its CEL name (escaped, see `escapeIdentifier`); undefined where there is no such field. */
  field(name: string): CelType | undefined;
  /** Empty where any name goes (`Object{…}` of mutations). */
  fieldNames(): Iterable<string>;
  /** How the field is called in JSON; the CEL name unescaped unless given. */
  jsonName?(name: string): string;
  minSize?: number;
}
export interface TypeType { kind: 'type'; of: CelType }
/** A placeholder in the signature of a function. */
export interface ParameterType { kind: 'parameter'; name: string }

export type CelType = PrimitiveType | ListType | MapType | OpaqueType | ObjectType | TypeType | ParameterType;

export const DYN: CelType = { kind: 'dyn' };
export const NULL: CelType = { kind: 'null' };
export const BOOL: CelType = { kind: 'bool' };
export const INT: CelType = { kind: 'int' };
export const UINT: CelType = { kind: 'uint' };
export const DOUBLE: CelType = { kind: 'double' };
export const STRING: CelType = { kind: 'string' };
export const BYTES: CelType = { kind: 'bytes' };
export const TIMESTAMP: CelType = { kind: 'timestamp' };
export const DURATION: CelType = { kind: 'duration' };
/** What an expression has that could not be checked; it agrees with everything. */
export const ERROR: CelType = { kind: 'error' };

export const listOf = (of: CelType): ListType => ({ kind: 'list', of });
export const mapOf = (key: CelType, value: CelType): MapType => ({ kind: 'map', key, value });
export const optionalOf = (of: CelType): OpaqueType => ({ kind: 'opaque', name: 'optional_type', parameters: [of] });
export const opaque = (name: string, ...parameters: CelType[]): OpaqueType => ({ kind: 'opaque', name, parameters });
export const typeOf = (of: CelType): TypeType => ({ kind: 'type', of });

/** An object type from a record of its fields, by their JSON names. */
export function objectType(name: string, fields: Readonly<Record<string, CelType>>): ObjectType {
  const known = new Map(Object.entries(fields));
  return { kind: 'object', name, field: (field) => known.get(field), fieldNames: () => known.keys() };
}

const NAMES: Partial<Record<PrimitiveKind, string>> = { timestamp: 'timestamp', duration: 'duration', error: '!error!' };

/** As error texts name it: `list(string)`, `map(string, int)`, `optional_type(dyn)`. */
export function formatType(type: CelType, names = NAMES): string {
  switch (type.kind) {
    case 'list': return `list(${formatType(type.of, names)})`;
    case 'map': return `map(${formatType(type.key, names)}, ${formatType(type.value, names)})`;
    case 'opaque': return type.parameters.length === 0 ? type.name : `${type.name}(${type.parameters.map((each) => formatType(each, names)).join(', ')})`;
    case 'object': return type.name;
    case 'type': return `type(${formatType(type.of, names)})`;
    case 'parameter': return type.name;
    default: return names[type.kind] ?? type.kind;
  }
}

const OWN_NAMES: Partial<Record<PrimitiveKind, string>> = { ...NAMES, null: 'null_type', timestamp: 'google.protobuf.Timestamp', duration: 'google.protobuf.Duration' };

/** As a type calls itself, which is what is said of an expression's result: `null_type`, `list(google.protobuf.Timestamp)`. */
export function ownName(type: CelType): string {
  return formatType(type, OWN_NAMES);
}

export function sameType(a: CelType, b: CelType): boolean {
  if (a === b) return true;
  if (a.kind !== b.kind) return false;
  switch (a.kind) {
    case 'list': return sameType(a.of, (b as ListType).of);
    case 'map': return sameType(a.key, (b as MapType).key) && sameType(a.value, (b as MapType).value);
    case 'object': return a.name === (b as ObjectType).name;
    case 'parameter': return a.name === (b as ParameterType).name;
    case 'type': return sameType(a.of, (b as TypeType).of);
    case 'opaque': {
      const { name, parameters } = b as OpaqueType;
      return a.name === name && a.parameters.length === parameters.length && a.parameters.every((parameter, index) => sameType(parameter, parameters[index] ?? DYN));
    }
    default: return true;
  }
}
