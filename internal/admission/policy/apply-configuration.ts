// What an ApplyConfiguration mutation makes of an object: laid over it as server-side apply lays an applied configuration over the live one,
// but nobody comes to own anything. Lists and maps that can only be replaced whole may not be touched: what they hold besides would be lost.
import type { KubeObject } from '../../api/meta.ts';
import { problemsOf } from '../../api/patch/apply-check.ts';
import { mergeTrees } from '../../api/patch/apply-trees.ts';
import { childOf, rootShape, shapeOf, type Shape } from '../../api/patch/field-shape.ts';
import type { Definition, Schemas } from '../../api/schema.ts';

/** A new object, sharing what did not change. Throws in upstream's words. */
export function applyConfiguration(object: KubeObject, patch: Record<string, unknown>, { definition, schemas }: { definition: Definition; schemas: Schemas }): KubeObject {
  const applied = { ...patch, apiVersion: object.apiVersion, kind: object.kind };
  const problems = problemsOf(applied, definition, schemas);
  if (problems !== undefined) throw new Error(`error applying patch: failed to convert patch object to typed object: ${problems}`);
  const shape = rootShape(definition);
  const atomics = atomicsIn(applied, shape, { path: '', schemas });
  if (atomics.length > 0) throw new Error(`error applying patch: invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: ${atomics.join(', ')}`);
  return mergeTrees(object, applied, { shape, schemas }) as KubeObject;
}

/** Paths of what the schema only knows as a whole: `.spec.template.spec.volumes[0].x`. */
function atomicsIn(value: unknown, shape: Shape, { path, schemas }: { path: string; schemas: Schemas }): string[] {
  if (typeof value !== 'object' || value === null) return [];
  if (shape.kind === 'leaf') return [path];
  if (Array.isArray(value)) {
    if (shape.kind !== 'list') return [];
    const items = shapeOf(shape.items, schemas);
    return value.flatMap((item: unknown, index) => atomicsIn(item, items, { path: `${path}[${String(index)}]`, schemas }));
  }
  if (shape.kind !== 'struct') return [];
  return Object.entries(value).flatMap(([name, member]) => {
    const child = shape.definition.fields.has(name) ? childOf(shape, name, schemas) : undefined;
    return child === undefined ? [] : atomicsIn(member, child.shape, { path: `${path}.${name}`, schemas });
  });
}
