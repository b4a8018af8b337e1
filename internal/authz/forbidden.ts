// The words of a refusal, as upstream's responsewriters give them.
import { StatusError } from '../base/errors.ts';
import { formatGroupResource } from '../api/meta.ts';
import type { Attributes } from './attributes.ts';

export function forbiddenError(attributes: Attributes, reason: string): StatusError {
  const { isResource, group, resource, name } = attributes;
  const why = `${refusal(attributes)}${reason === '' ? '' : `: ${reason}`}`;
  if (!isResource) return new StatusError('Forbidden', `forbidden: ${why}`, { details: {} });
  return forbidden({ group, resource }, name, why);
}

/** `pods "web" is forbidden: why`: also what admission says. */
export function forbidden(resource: { group: string; resource: string }, name: string, why: string): StatusError {
  const subject = `${formatGroupResource(resource)}${name === '' ? '' : ` ${JSON.stringify(name)}`}`;
  return new StatusError('Forbidden', `${subject} is forbidden: ${why}`, {
    details: { ...(name !== '' && { name }), ...(resource.group !== '' && { group: resource.group }), kind: resource.resource },
  });
}

function refusal({ user, verb, isResource, path, group, resource, subresource, namespace }: Attributes): string {
  const who = `User ${JSON.stringify(user.username)} cannot ${verb}`;
  if (!isResource) return `${who} path ${JSON.stringify(path)}`;
  const what = `${who} resource ${JSON.stringify(subresource === '' ? resource : `${resource}/${subresource}`)} in API group ${JSON.stringify(group)}`;
  return namespace === '' ? `${what} at the cluster scope` : `${what} in the namespace ${JSON.stringify(namespace)}`;
}
