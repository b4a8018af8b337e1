// How a webhook is reached, held to upstream's validation (apiserver/pkg/util/webhook/validation.go): admission webhooks and conversion alike.
import { invalid, required, type FieldError } from '../../api/field-error.ts';
import { portNumberProblems, subdomainProblems } from '../../api/names.ts';
import type { ServiceReference, WebhookClientConfig } from '../generated/api-types.ts';

const FORM = '; desired format: https://host[/path]';
// Go's url.Parse, which takes nearly anything.
const URL_PARTS = /^(?:([a-zA-Z][a-zA-Z0-9+.-]*):)?(?:\/\/(?:([^/?#@]*)@)?([^/?#]*))?[^?#]*(?:\?([^#]*))?(?:#(.*))?$/s;

export function validateClientConfig({ url, service }: Pick<WebhookClientConfig, 'url' | 'service'>, path: string): FieldError[] {
  if ((url === undefined) === (service === undefined)) return [required(path, 'exactly one of url or service is required')];
  return service === undefined ? validateUrl(url ?? '', `${path}.url`) : validateService(service, `${path}.service`);
}

function validateUrl(url: string, path: string): FieldError[] {
  // oxlint-disable-next-line no-control-regex
  if (/[\u0000-\u001f\u007f]/.test(url)) return [required(path, `url must be a valid URL: parse ${JSON.stringify(url)}: net/url: invalid control character in URL; desired format: https://host[/path]`)];
  const errors: FieldError[] = [];
  const [, scheme = '', user, host = '', query = '', fragment = ''] = URL_PARTS.exec(url) ?? [];
  if (scheme.toLowerCase() !== 'https') errors.push(invalid(path, scheme, `'https' is the only allowed URL scheme${FORM}`));
  if (host === '') errors.push(invalid(path, host, `host must be specified${FORM}`));
  if (user !== undefined) errors.push(invalid(path, user, 'user information is not permitted in the URL'));
  if (fragment !== '') errors.push(invalid(path, fragment, 'fragments are not permitted in the URL'));
  if (query !== '') errors.push(invalid(path, query, 'query parameters are not permitted in the URL'));
  return errors;
}

function validateService({ name, namespace, path: urlPath, port = 443 }: ServiceReference, path: string): FieldError[] {
  const errors: FieldError[] = [];
  // Upstream has the two the wrong way round.
  if (!namespace) errors.push(required(`${path}.name`));
  if (!name) errors.push(required(`${path}.namespace`));
  const problems = portNumberProblems(port);
  if (problems.length > 0) errors.push(invalid(`${path}.port`, port, `port is not valid: ${problems.join(', ')}`));
  return urlPath === undefined ? errors : [...errors, ...validatePath(urlPath, `${path}.path`)];
}

function validatePath(urlPath: string, path: string): FieldError[] {
  if (urlPath === '' || urlPath === '/') return [];
  if (urlPath === '//') return [invalid(path, urlPath, 'segment[0] may not be empty')];
  const errors = urlPath.startsWith('/') ? [] : [invalid(path, urlPath, "must start with a '/'")];
  urlPath.slice(1).replace(/\/$/, '').split('/').forEach((step, index) => {
    const problems = step === '' ? [`segment[${String(index)}] may not be empty`] : subdomainProblems(step).map((problem) => `segment[${String(index)}]: ${problem}`);
    errors.push(...problems.map((problem) => invalid(path, urlPath, problem)));
  });
  return errors;
}
