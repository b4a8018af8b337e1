// CEL expressions of admission (match conditions, policies): what they may name, and which results they may have. Error texts are upstream's.
import { AUTHORIZER, compile, CelError, DYN, objectType, ownName, ProgramError, RESOURCE_CHECK, sameType, BOOL, INT, STRING, TIMESTAMP, listOf, mapOf, type CelType, type Environment, type ObjectType, type Program } from '../../cel/index.ts';

export interface Form {
  /** `params` may be named. */
  params: boolean;
  authorizer: boolean;
  /** `variables.x`, by name. */
  variables?: Readonly<Record<string, CelType>>;
  types?: Environment['types'];
  /** Of `object` and `oldObject`; dyn unless types are checked. */
  object?: CelType;
  /** The type of `params`; dyn. */
  paramsType?: CelType;
  /** Absent: whatever it comes to. */
  returns?: readonly CelType[];
}

/** What is wrong with an expression, for an Invalid field error: `compilation failed: …`, `must evaluate to bool but got string`. */
export class ExpressionProblem extends Error {}

export function compileExpression(expression: string, form: Form): Program {
  const program = attempt(expression, form);
  const { returns } = form;
  if (returns === undefined || returns.some((type) => sameType(type, program.outputType))) return program;
  const [only] = returns;
  const wanted = only !== undefined && returns.length === 1 ? ownName(only) : `one of [${returns.map(ownName).join(' ')}]`;
  throw new ExpressionProblem(`must evaluate to ${wanted} but got ${ownName(program.outputType)}`);
}

function attempt(expression: string, { params, authorizer, variables, types, object = DYN, paramsType = DYN }: Form): Program {
  try {
    return compile(expression, {
      variables: {
        object, oldObject: object, namespaceObject: namespaceType(), request: requestType(),
        ...(params && { params: paramsType }), ...(authorizer && { authorizer: AUTHORIZER, 'authorizer.requestResource': RESOURCE_CHECK }),
        ...(variables !== undefined && { variables: objectType('kubernetes.variables', variables) }),
      },
      ...(types !== undefined && { types }),
    });
  } catch (error) {
    if (error instanceof CelError) throw new ExpressionProblem(`compilation failed: ${error.message}`, { cause: error });
    if (error instanceof ProgramError) throw new ExpressionProblem(`program instantiation failed: ${error.message}`, { cause: error });
    throw error;
  }
}

let request: ObjectType | undefined;
let namespace: ObjectType | undefined;

/** An AdmissionRequest without its uid and its objects, which are variables of their own. */
function requestType(): ObjectType {
  if (request !== undefined) return request;
  const gvk = objectType('kubernetes.GroupVersionKind', { group: STRING, version: STRING, kind: STRING });
  const gvr = objectType('kubernetes.GroupVersionResource', { group: STRING, version: STRING, resource: STRING });
  const userInfo = objectType('kubernetes.UserInfo', { username: STRING, uid: STRING, groups: listOf(STRING), extra: mapOf(STRING, listOf(STRING)) });
  request = objectType('kubernetes.AdmissionRequest', {
    kind: gvk, resource: gvr, subResource: STRING, requestKind: gvk, requestResource: gvr, requestSubResource: STRING,
    name: STRING, namespace: STRING, operation: STRING, userInfo, dryRun: BOOL, options: DYN,
  });
  return request;
}

function namespaceType(): ObjectType {
  if (namespace !== undefined) return namespace;
  const condition = objectType('kubernetes.NamespaceCondition', { status: STRING, type: STRING, lastTransitionTime: TIMESTAMP, message: STRING, reason: STRING });
  const metadata = objectType('kubernetes.NamespaceMetadata', {
    name: STRING, generateName: STRING, namespace: STRING, labels: mapOf(STRING, STRING), annotations: mapOf(STRING, STRING), UID: STRING,
    creationTimestamp: TIMESTAMP, deletionGracePeriodSeconds: INT, deletionTimestamp: TIMESTAMP, generation: INT, resourceVersion: STRING, finalizers: listOf(STRING),
  });
  namespace = objectType('kubernetes.Namespace', {
    metadata, spec: objectType('kubernetes.NamespaceSpec', { finalizers: listOf(STRING) }),
    status: objectType('kubernetes.NamespaceStatus', { conditions: listOf(condition), phase: STRING }),
  });
  return namespace;
}
