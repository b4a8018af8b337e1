// What names stand for: loop variables, then declared variables, then types. A leading dot asks for the outermost.
import type { Environment } from './program.ts';
import { BOOL, BYTES, DOUBLE, DURATION, DYN, INT, listOf, mapOf, NULL, opaque, STRING, TIMESTAMP, typeOf, UINT, type CelType } from './type.ts';
import { TypeValue } from './value.ts';

export interface Declared {
  type: CelType;
  /** What the name is, where it names a type. */
  constant?: TypeValue;
  /** A loop's variable. */
  local?: boolean;
}

const TYPES: Readonly<Record<string, CelType>> = {
  bool: BOOL, bytes: BYTES, double: DOUBLE, int: INT, uint: UINT, string: STRING, null_type: NULL, list: listOf(DYN), map: mapOf(DYN, DYN), dyn: DYN,
  'google.protobuf.Duration': DURATION, 'google.protobuf.Timestamp': TIMESTAMP,
  ...Object.fromEntries(['optional_type', 'net.IP', 'net.CIDR'].map((name) => [name, opaque(name)])),
};

export class Scope {
  private readonly environment: Environment;
  private readonly outer: Scope | undefined;
  private readonly locals = new Map<string, CelType>();

  constructor(environment: Environment, outer?: Scope) {
    this.environment = environment;
    this.outer = outer;
  }

  enter(): Scope {
    return new Scope(this.environment, this);
  }

  declare(name: string, type: CelType): void {
    this.locals.set(name, type);
  }

  find(name: string): Declared | undefined {
    if (!name.startsWith('.')) {
      for (let scope: Scope | undefined = this as Scope; scope !== undefined; scope = scope.outer) {
        const type = scope.locals.get(name);
        if (type !== undefined) return { type, local: true };
      }
    }
    const plain = name.replace(/^\./, '');
    const variable = Object.hasOwn(this.environment.variables, plain) ? this.environment.variables[plain] : undefined;
    return variable === undefined ? this.findType(plain) : { type: variable };
  }

  private findType(name: string): Declared | undefined {
    if (name === 'type') return { type: typeOf(typeOf(DYN)), constant: new TypeValue('type') };
    const type = Object.hasOwn(TYPES, name) ? TYPES[name] : this.environment.types?.(name);
    return type === undefined ? undefined : { type: typeOf(type), constant: new TypeValue(name) };
  }
}
