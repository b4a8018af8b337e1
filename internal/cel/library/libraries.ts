// The one list of function libraries: what an expression of Kubernetes 1.36 may call. Read when the first expression is compiled, each
// function's signatures when it is first named.
import { readOverload, type Definition, type FindFunction, type Overload } from '../function.ts';
import { authorizationLibrary } from './authorization.ts';
import { conversionLibrary } from './conversions.ts';
import { listLibrary } from './lists.ts';
import { networkLibrary } from './network.ts';
import { operatorLibrary } from './operators.ts';
import { optionalLibrary } from './optionals.ts';
import { stringLibrary } from './strings.ts';
import { textLibrary } from './texts.ts';
import { urlLibrary } from './url.ts';

const LIBRARIES: readonly (() => Definition[])[] = [
  operatorLibrary, conversionLibrary, stringLibrary, optionalLibrary, () => listLibrary(findFunction), textLibrary, urlLibrary, networkLibrary, authorizationLibrary,
];

let definitions: Map<string, Definition[]> | undefined;
const read = new Map<string, readonly Overload[]>();

export const findFunction: FindFunction = (name) => {
  const known = read.get(name);
  if (known !== undefined) return known;
  definitions ??= Map.groupBy(LIBRARIES.flatMap((library) => library()), ([function_]) => function_);
  const overloads = definitions.get(name)?.map(readOverload);
  if (overloads !== undefined) read.set(name, overloads);
  return overloads;
};
