// Pieces that several kinds' Table rows share (upstream: pkg/printers/internalversion/printers.go).
import { objectAge } from '../api/age.ts';
import type { KubeObject } from '../api/meta.ts';
import type { Container } from './generated/api-types.ts';
import type { Cell, Column } from './kind.ts';

export function nameAndAge(object: KubeObject, now: number): Cell[] {
  return [object.metadata.name, objectAge(object, now)];
}

/** A row for kinds without one of their own: name, age or creation where the columns ask for them, '' elsewhere. */
export function plainCells(columns: readonly Column[]): (object: KubeObject, now: number) => Cell[] {
  return (object, now) => columns.map(({ name, type }) => {
    if (name === 'Name') return object.metadata.name;
    if (type === 'date') return object.metadata.creationTimestamp;
    return name === 'Age' ? objectAge(object, now) : '';
  });
}

/** For kinds whose row says when, not how long ago. */
export function nameAndCreation({ metadata }: KubeObject): Cell[] {
  return [metadata.name, metadata.creationTimestamp];
}

/** The containers' names and their images, each joined with commas. */
export function containerCells(containers: readonly Container[] = []): [names: string, images: string] {
  return [containers.map(({ name }) => name).join(','), containers.map(({ image }) => image ?? '').join(',')];
}

/** `a=1,b=2`, or `<none>`. */
export function formatLabels(labels: Readonly<Record<string, string>> | undefined): string {
  const text = Object.entries(labels ?? {}).map(([key, value]) => `${key}=${value}`).sort().join(',');
  return text === '' ? '<none>' : text;
}

/** The first three, and how many more there are. */
export function firstThree(all: readonly string[], empty: string): string {
  if (all.length === 0) return empty;
  const text = all.slice(0, 3).join(',');
  return all.length > 3 ? `${text} + ${String(all.length - 3)} more...` : text;
}

export function orNone(text: string | undefined): string {
  return text === undefined || text === '' ? '<none>' : text;
}
