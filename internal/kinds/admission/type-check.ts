// Type checks of a ValidatingAdmissionPolicy: its expressions compiled against the types of what it matches, to warn of what can never work.
// What comes of it is only said (status.typeChecking); the policy works as it is.
import { definitionType, schemaType, type CelType, type ObjectType, type TypeSchema } from '../../cel/index.ts';
import type { Schemas } from '../../api/schema.ts';
import type { ExpressionWarning, NamedRuleWithOperations, ValidatingAdmissionPolicy } from '../generated/api-types.ts';
import type { Kinds } from '../index.ts';
import type { Kind } from '../kind.ts';
import { compileExpression, ExpressionProblem, type Form } from './expressions.ts';
import { policyForms } from './policy-forms.ts';

const TYPES_MAX = 10;
const METADATA = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta';

export interface TypeSources {
  kinds: Kinds;
  schemas: Schemas;
}

export function checkTypes({ spec }: ValidatingAdmissionPolicy, sources: TypeSources): ExpressionWarning[] {
  const checks = kindsOf(spec.matchConstraints?.resourceRules ?? [], sources.kinds).flatMap((kind) => {
    const object = typeOfKind(kind, sources);
    if (object === undefined) return [];
    const paramsType = paramsTypeOf(spec.paramKind, sources);
    return [{ kind, form: policyForms(spec, { object, ...(paramsType !== undefined && { paramsType }) }).free }];
  });
  return (spec.validations ?? []).flatMap(({ expression, messageExpression = '' }, index) => {
    const path = `spec.validations[${String(index)}]`;
    return [...warningOf(expression, `${path}.expression`, checks), ...(messageExpression === '' ? [] : warningOf(messageExpression, `${path}.messageExpression`, checks))];
  });
}

function warningOf(expression: string, fieldRef: string, checks: readonly { kind: Kind; form: Form }[]): ExpressionWarning[] {
  const problems = checks.flatMap(({ kind, form }) => {
    const problem = problemOf(expression, form);
    return problem === undefined ? [] : [`${kind.group}/${kind.version}, Kind=${kind.kind}: ${problem}\n`];
  });
  return problems.length === 0 ? [] : [{ fieldRef, warning: problems.join('\n') }];
}

function problemOf(expression: string, form: Form): string | undefined {
  try {
    compileExpression(expression, form);
    return undefined;
  } catch (error) {
    if (error instanceof ExpressionProblem) return error.cause instanceof Error ? error.cause.message : error.message;
    throw error;
  }
}

/** Those that rules without wildcards name, in order of group, version and kind. */
function kindsOf(rules: readonly NamedRuleWithOperations[], kinds: Kinds): Kind[] {
  const found = new Set<Kind>();
  for (const { apiGroups = [], apiVersions = [], resources = [] } of rules) {
    if ([...apiGroups, ...apiVersions].some((one) => one.includes('*'))) continue;
    const plain = resources.filter((resource) => !/[*/]/.test(resource)).sort();
    for (const group of apiGroups.toSorted()) for (const version of apiVersions.toSorted()) for (const resource of plain) {
      const kind = kinds.byResource(group, version, resource);
      if (kind !== undefined && found.size < TYPES_MAX) found.add(kind);
    }
  }
  const order = ({ group, version, kind }: Kind): string => [group, version, kind].join('\n');
  return [...found].sort((a, b) => (order(a) < order(b) ? -1 : 1));
}

function paramsTypeOf(paramKind: { apiVersion?: string; kind?: string } | undefined, sources: TypeSources): CelType | undefined {
  const { apiVersion = '', kind = '' } = paramKind ?? {};
  const [group, version] = apiVersion.includes('/') ? (apiVersion.split('/') as [string, string]) : ['', apiVersion];
  const found = kind === '' ? undefined : sources.kinds.byKind(group, version, kind);
  return found === undefined ? undefined : typeOfKind(found, sources);
}

function typeOfKind(kind: Kind, { schemas }: TypeSources): CelType | undefined {
  if (kind.custom !== undefined) return customType(kind, schemas);
  const definition = schemas.get(kind.schema);
  return definition === undefined ? undefined : definitionType(definition, schemas);
}

/** By its published schema, with the metadata that every kind has. */
function customType(kind: Kind, schemas: Schemas): CelType | undefined {
  const type = schemaType(kind.custom?.openApi('v3').object as TypeSchema, { resourceRoot: true, name: kind.kind });
  const definition = schemas.get(METADATA);
  if (type?.kind !== 'object' || definition === undefined) return type;
  const metadata = definitionType(definition, schemas);
  const whole: ObjectType = { ...type, field: (name) => (name === 'metadata' ? metadata : type.field(name)) };
  return whole;
}
