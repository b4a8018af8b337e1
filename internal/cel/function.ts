// Functions and their overloads. Libraries define them in one line each, with a signature in error-text form (`string.(int) bool` is a
// method of strings); it is read when an expression first names the function.
import { Double, Duration, Timestamp, Uint } from './scalar.ts';
import { BOOL, BYTES, DOUBLE, DURATION, DYN, INT, listOf, mapOf, NULL, opaque, optionalOf, STRING, TIMESTAMP, typeOf, UINT, type CelType } from './type.ts';
import { ListValue, MapValue, OpaqueValue, Optional, StructValue, typeNameOf, TypeValue, type Value } from './value.ts';

/** `run` gets values of the signature's types, none of them an error; it may throw EvaluationError. */
export type Definition = readonly [name: string, id: string, signature: string, run: (...args: never[]) => Value];

/** Every overload of the name, in their libraries' order; undefined where nothing has it. */
export type FindFunction = (name: string) => readonly Overload[] | undefined;

export interface Overload {
  /** cel-go's id: costs go by it. */
  readonly id: string;
  readonly method: boolean;
  /** The receiver first. */
  readonly parameters: readonly CelType[];
  readonly result: CelType;
  readonly generic: boolean;
  readonly run: (...args: Value[]) => Value;
}

const PLAIN: Readonly<Record<string, CelType>> = {
  dyn: DYN, null: NULL, bool: BOOL, int: INT, uint: UINT, double: DOUBLE, string: STRING, bytes: BYTES, timestamp: TIMESTAMP, duration: DURATION,
};

export function readOverload([, id, signature, run]: Definition): Overload {
  const reader = new SignatureReader(signature);
  return { id, ...reader.read(), run: run as (...args: Value[]) => Value };
}

class SignatureReader {
  private readonly words: string[];
  private next = 0;
  private generic = false;

  constructor(signature: string) {
    this.words = signature.match(/[A-Za-z_][\w./]*(?<!\.)|\.?\(|\)|,/g) ?? [];
  }

  read(): Omit<Overload, 'id' | 'run'> {
    const parameters: CelType[] = [];
    const method = this.words[0] !== '(';
    if (method) parameters.push(this.type());
    this.next++;
    while (this.words[this.next] !== ')') {
      parameters.push(this.type());
      if (this.words[this.next] === ',') this.next++;
    }
    this.next++;
    return { method, parameters, result: this.type(), generic: this.generic };
  }

  private type(): CelType {
    const name = this.words[this.next++] ?? 'dyn';
    const plain = PLAIN[name];
    if (plain !== undefined) return plain;
    if (/^[A-Z]$/.test(name)) {
      this.generic = true;
      return { kind: 'parameter', name };
    }
    const parameters = this.words[this.next] === '(' ? this.parameters() : [];
    const [first = DYN, second = DYN] = parameters;
    if (name === 'list') return listOf(first);
    if (name === 'map') return mapOf(first, second);
    if (name === 'optional') return optionalOf(first);
    return name === 'type' ? typeOf(first) : opaque(name, ...parameters);
  }

  private parameters(): CelType[] {
    const types: CelType[] = [];
    do {
      this.next++;
      types.push(this.type());
    } while (this.words[this.next] === ',');
    this.next++;
    return types;
  }
}

/** Whether a value can be given where the type is asked for; of lists and maps the first element is looked at. */
export function acceptsValue(type: CelType, value: Value): boolean {
  switch (type.kind) {
    case 'dyn': case 'parameter': return true;
    case 'string': return typeof value === 'string';
    case 'bool': return typeof value === 'boolean';
    case 'int': return typeof value === 'number' || typeof value === 'bigint';
    case 'null': return value === null;
    case 'uint': return value instanceof Uint;
    case 'double': return value instanceof Double;
    case 'bytes': return value instanceof Uint8Array;
    case 'timestamp': return value instanceof Timestamp;
    case 'duration': return value instanceof Duration;
    case 'list': return value instanceof ListValue && (value.size === 0 || acceptsValue(type.of, value.at(0)));
    case 'map': return value instanceof MapValue && acceptsFirstEntry(type, value);
    case 'type': return value instanceof TypeValue;
    case 'opaque': return type.name === 'optional_type' ? value instanceof Optional : value instanceof OpaqueValue && value.typeName === type.name;
    case 'object': return value instanceof MapValue || (value instanceof StructValue && typeNameOf(value) === type.name);
    default: return false;
  }
}

function acceptsFirstEntry({ key, value }: { key: CelType; value: CelType }, map: MapValue): boolean {
  for (const first of map.keys()) return acceptsValue(key, first) && acceptsValue(value, map.find(first) ?? null);
  return true;
}
