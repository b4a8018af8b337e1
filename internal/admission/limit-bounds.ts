// What a LimitRange's item says of what is asked, in upstream's words: of each resource the first thing that is wrong.
import { compareQuantities, quantityMilliValue } from '../api/quantity.ts';
import type { LimitRangeItem } from '../kinds/generated/api-types.ts';

type Quantities = Readonly<Record<string, string>>;

export interface Asked {
  requests: Quantities;
  limits: Quantities;
}

export function problemsOf({ type, min = {}, max = {}, maxLimitRequestRatio = {} }: LimitRangeItem, asked: Asked): string[] {
  return present([
    ...Object.entries(min).map(([name, least]) => below(type, [name, least], asked)),
    ...Object.entries(max).map(([name, most]) => above(type, [name, most], asked)),
    ...Object.entries(maxLimitRequestRatio).map(([name, ratio]) => beyondRatio(type, [name, ratio], asked)),
  ]);
}

/** A claim has no limits of its own. */
export function claimProblems({ type, min = {}, max = {} }: LimitRangeItem, requests: Quantities): string[] {
  return present([
    ...Object.entries(min).map(([name, least]) => below(type, [name, least], { requests, limits: {} })),
    ...Object.entries(max).map(([name, most]) => requestAbove(type, [name, most], requests)),
  ]);
}

function present(problems: readonly (string | undefined)[]): string[] {
  return problems.filter((problem) => problem !== undefined);
}

function below(type: string, [name, least]: [string, string], { requests, limits }: Asked): string | undefined {
  const [request, limit] = [requests[name], limits[name]];
  const rule = `minimum ${name} usage per ${type} is ${least}`;
  if (request === undefined) return `${rule}.  No request is specified`;
  if (compareQuantities(request, least) < 0) return `${rule}, but request is ${request}`;
  return limit !== undefined && compareQuantities(limit, least) < 0 ? `${rule}, but limit is ${limit}` : undefined;
}

function above(type: string, [name, most]: [string, string], { requests, limits }: Asked): string | undefined {
  const [request, limit] = [requests[name], limits[name]];
  const rule = `maximum ${name} usage per ${type} is ${most}`;
  if (limit === undefined) return `${rule}.  No limit is specified`;
  if (compareQuantities(limit, most) > 0) return `${rule}, but limit is ${limit}`;
  return request !== undefined && compareQuantities(request, most) > 0 ? `${rule}, but request is ${request}` : undefined;
}

function requestAbove(type: string, [name, most]: [string, string], requests: Quantities): string | undefined {
  const request = requests[name];
  const rule = `maximum ${name} usage per ${type} is ${most}`;
  if (request === undefined) return `${rule}.  No request is specified`;
  return compareQuantities(request, most) > 0 ? `${rule}, but request is ${request}` : undefined;
}

function beyondRatio(type: string, [name, most]: [string, string], { requests, limits }: Asked): string | undefined {
  const [request, limit] = [quantityMilliValue(requests[name] ?? '0'), quantityMilliValue(limits[name] ?? '0')];
  const rule = `${name} max limit to request ratio per ${type} is ${most}`;
  if (request === 0) return `${rule}, but no request is specified or request is 0`;
  if (limit === 0) return `${rule}, but no limit is specified or limit is 0`;
  const ratio = limit / request;
  return ratio * 1000 > quantityMilliValue(most) ? `${rule}, but provided ratio is ${ratio.toFixed(6)}` : undefined;
}
