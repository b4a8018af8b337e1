// Validation of FlowSchemas and PriorityLevelConfigurations (upstream: pkg/apis/flowcontrol/validation). Left out: that the two mandatory
// objects of each kind equal what they begin with.
import { duplicate, forbidden, invalid, notSupported, required, type FieldError } from '../../api/field-error.ts';
import { dnsLabelProblems, subdomainProblems } from '../../api/names.ts';
import type { FlowSchema, FlowSchemaSpec, NonResourcePolicyRule, PolicyRulesWithSubjects, PriorityLevelConfiguration, QueuingConfiguration, ResourcePolicyRule, Subject } from '../generated/api-types.ts';

const PRECEDENCE_MAX = 10_000;
const QUEUES_MAX = 10_000_000;
const HASH_BITS_MAX = 60;
const VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'proxy', 'update', 'watch'];
const DISTINGUISHERS = ['ByNamespace', 'ByUser'];
const SUBJECTS = { Group: 'group', ServiceAccount: 'serviceAccount', User: 'user' } as const;

export function validateFlowSchema({ metadata: { name }, spec, status }: FlowSchema): FieldError[] {
  const { matchingPrecedence: precedence = 0, distinguisherMethod: method, priorityLevelConfiguration: level, rules = [] } = (spec ?? {}) as Partial<FlowSchemaSpec>;
  const errors: FieldError[] = [];
  const wrong = (detail: string): void => void errors.push(invalid('spec.matchingPrecedence', precedence, detail));
  if (precedence <= 0) wrong('must be a positive value');
  if (precedence > PRECEDENCE_MAX) wrong(`must not be greater than ${String(PRECEDENCE_MAX)}`);
  if (precedence === 1 && name !== 'exempt') wrong("only the schema named 'exempt' may have matchingPrecedence 1");
  if (method !== undefined && !DISTINGUISHERS.includes(method.type)) errors.push(notSupported('spec.distinguisherMethod.type', { Type: method.type ?? '' }, DISTINGUISHERS));
  if (level?.name) errors.push(...subdomainProblems(level.name).map((problem) => invalid('spec.priorityLevelConfiguration.name', level.name, problem)));
  else errors.push(required('spec.priorityLevelConfiguration.name', 'must reference a priority level'));
  rules.forEach((rule, index) => errors.push(...validateRule(rule, `spec.rules[${String(index)}]`)));
  return [...errors, ...validateConditions(status)];
}

export function validatePriorityLevel({ metadata: { name }, spec, status }: PriorityLevelConfiguration): FieldError[] {
  const { type = '', exempt, limited } = (spec ?? {}) as Partial<PriorityLevelConfiguration['spec']>;
  const errors: FieldError[] = [];
  if ((name === 'exempt') !== (type === 'Exempt')) errors.push(invalid('spec.type', type, "must be 'Exempt' if and only if `name` is 'exempt'"));
  if (type === '') errors.push(required('spec.type'));
  else if (type === 'Exempt') {
    if (limited !== undefined) errors.push(forbidden('spec.limited', 'must be nil if the type is not Limited'));
    if (exempt !== undefined) errors.push(...validateShares(exempt, 'spec.exempt'), ...validateLendable(exempt, 'spec.exempt'));
  } else if (type !== 'Limited') errors.push(notSupported('spec.type', type, ['Exempt', 'Limited']));
  else {
    if (exempt !== undefined) errors.push(forbidden('spec.exempt', 'must be nil if the type is Limited'));
    errors.push(...(limited === undefined ? [required('spec.limited', 'must not be empty when type is Limited')] : validateLimited(limited, 'spec.limited')));
  }
  return [...errors, ...validateConditions(status)];
}

export function validateConditions(status: { conditions?: readonly { type?: string }[] } | undefined): FieldError[] {
  const seen = new Set<string>();
  return (status?.conditions ?? []).flatMap(({ type = '' }, index) => {
    const path = `status.conditions[${String(index)}].type`;
    const errors = seen.has(type) ? [duplicate(path, type)] : [];
    seen.add(type);
    return type === '' ? [...errors, required(path)] : errors;
  });
}

// ── flow schemas ──

function validateRule({ subjects = [], resourceRules = [], nonResourceRules = [] }: Partial<PolicyRulesWithSubjects>, path: string): FieldError[] {
  const errors = subjects.flatMap((subject, index) => validateSubject(subject, `${path}.subjects[${String(index)}]`));
  if (subjects.length === 0) errors.push(required(`${path}.subjects`, 'subjects must contain at least one value'));
  if (resourceRules.length === 0 && nonResourceRules.length === 0) errors.push(required(path, 'at least one of resourceRules and nonResourceRules has to be non-empty'));
  resourceRules.forEach((rule, index) => errors.push(...validateResourceRule(rule, `${path}.resourceRules[${String(index)}]`)));
  nonResourceRules.forEach((rule, index) => errors.push(...validateNonResourceRule(rule, `${path}.nonResourceRules[${String(index)}]`)));
  return errors;
}

function validateSubject(subject: Subject, path: string): FieldError[] {
  const { kind = '' } = subject as Partial<Subject>;
  const field = SUBJECTS[kind as 'User'] as (typeof SUBJECTS)[keyof typeof SUBJECTS] | undefined;
  if (field === undefined) return [notSupported(`${path}.kind`, kind, Object.keys(SUBJECTS))];
  const own = subject[field] as { name?: string; namespace?: string } | undefined;
  const errors = own === undefined ? [required(`${path}.${field}`, `${field} is required when subject kind is '${kind}'`)] : validateNamed(own, `${path}.${field}`, field === 'serviceAccount');
  // The account, then the user, then the group.
  for (const other of ['ServiceAccount', 'User', 'Group'] as const) {
    if (other !== kind && subject[SUBJECTS[other]] !== undefined) errors.push(forbidden(`${path}.${SUBJECTS[other]}`, `${SUBJECTS[other]} is forbidden when subject kind is not '${other}'`));
  }
  return errors;
}

function validateNamed({ name = '', namespace = '' }: { name?: string; namespace?: string }, path: string, isAccount: boolean): FieldError[] {
  const errors = name === '' ? [required(`${path}.name`)] : [];
  if (!isAccount) return errors;
  if (name !== '' && name !== '*') errors.push(...subdomainProblems(name).map((problem) => invalid(`${path}.name`, name, problem)));
  if (namespace === '') return [...errors, required(`${path}.namespace`, 'must specify namespace for service account')];
  return [...errors, ...dnsLabelProblems(namespace).map((problem) => invalid(`${path}.namespace`, namespace, problem))];
}

function validateVerbs(verbs: readonly string[], path: string): FieldError[] {
  if (verbs.length === 0) return [required(path, 'verbs must contain at least one value')];
  if (verbs.includes('*')) return alone(verbs, path, 'verbs');
  return verbs.every((verb) => VERBS.includes(verb)) ? [] : [notSupported(path, verbs, VERBS)];
}

function alone(values: readonly string[], path: string, what: string): FieldError[] {
  return values.length > 1 && values.includes('*') ? [invalid(path, values, `if '*' is present, must not specify other ${what}`)] : [];
}

function validateResourceRule({ verbs = [], apiGroups = [], resources = [], namespaces = [], clusterScope = false }: Partial<ResourcePolicyRule>, path: string): FieldError[] {
  const errors = validateVerbs(verbs, `${path}.verbs`);
  errors.push(...(apiGroups.length === 0 ? [required(`${path}.apiGroups`, 'resource rules must supply at least one api group')] : alone(apiGroups, `${path}.apiGroups`, 'api groups')));
  errors.push(...(resources.length === 0 ? [required(`${path}.resources`, 'resource rules must supply at least one resource')] : alone(resources, `${path}.resources`, 'resources')));
  if (namespaces.length === 0 && !clusterScope) return [...errors, required(`${path}.namespaces`, 'resource rules that are not cluster scoped must supply at least one namespace')];
  if (namespaces.includes('*')) return [...errors, ...alone(namespaces, `${path}.namespaces`, 'namespaces')];
  return [...errors, ...namespaces.flatMap((name, index) => dnsLabelProblems(name).map((problem) => invalid(`${path}.namespaces[${String(index)}]`, name, `each member of this list must be '*' or a DNS-1123 label; ${problem}`)))];
}

function validateNonResourceRule({ verbs = [], nonResourceURLs: urls = [] }: Partial<NonResourcePolicyRule>, path: string): FieldError[] {
  const errors = validateVerbs(verbs, `${path}.verbs`);
  const at = `${path}.nonResourceURLs`;
  if (urls.length === 0) return [...errors, required(at, 'nonResourceURLs must contain at least one value')];
  if (urls.includes('*')) return [...errors, ...alone(urls, at, 'non-resource URLs')];
  return [...errors, ...urls.flatMap((url, index) => urlProblems(url).map((problem) => invalid(`${at}[${String(index)}]`, url, problem)))];
}

function urlProblems(url: string): string[] {
  if (url === '') return ['must not be empty'];
  if (!url.startsWith('/')) return ['must start with slash'];
  if (url.includes(' ')) return ['must not contain white-space'];
  if (url.includes('//')) return ['must not contain double slash'];
  const stars = url.split('*').length - 1;
  return stars > 1 || (stars === 1 && !url.endsWith('/*')) ? ['wildcard can only do suffix matching'] : [];
}

// ── priority levels ──

type Limited = NonNullable<PriorityLevelConfiguration['spec']['limited']>;

function validateShares({ nominalConcurrencyShares: shares = 0 }: { nominalConcurrencyShares?: number }, path: string): FieldError[] {
  return shares < 0 ? [invalid(`${path}.nominalConcurrencyShares`, shares, 'must be a non-negative integer')] : [];
}

function validateLendable({ lendablePercent: percent = 0 }: { lendablePercent?: number }, path: string): FieldError[] {
  return percent < 0 || percent > 100 ? [invalid(`${path}.lendablePercent`, percent, 'must be between 0 and 100, inclusive')] : [];
}

function validateLimited(limited: Limited, path: string): FieldError[] {
  const { limitResponse: { type = '', queuing } = {} as Partial<NonNullable<Limited['limitResponse']>>, borrowingLimitPercent: borrowed = 0 } = limited;
  const at = `${path}.limitResponse`;
  const errors = validateShares(limited, path);
  if (type === '') errors.push(required(`${at}.type`));
  else if (type !== 'Queue' && type !== 'Reject') errors.push(notSupported(`${at}.type`, type, ['Queue', 'Reject']));
  else if (type === 'Reject') errors.push(...(queuing === undefined ? [] : [forbidden(`${at}.queuing`, 'must be nil if limited.limitResponse.type is not Limited')]));
  else errors.push(...(queuing === undefined ? [required(`${at}.queuing`, 'must not be empty if limited.limitResponse.type is Limited')] : validateQueuing(queuing, `${at}.queuing`)));
  errors.push(...validateLendable(limited, path));
  return borrowed < 0 ? [...errors, invalid(`${path}.borrowingLimitPercent`, borrowed, 'if specified, must be a non-negative integer')] : errors;
}

function validateQueuing({ queueLengthLimit: length = 0, queues = 0, handSize = 0 }: QueuingConfiguration, path: string): FieldError[] {
  const errors = length <= 0 ? [invalid(`${path}.queueLengthLimit`, length, 'must be positive')] : [];
  if (queues <= 0) errors.push(invalid(`${path}.queues`, queues, 'must be positive'));
  else if (queues > QUEUES_MAX) errors.push(invalid(`${path}.queues`, queues, `must not be greater than ${String(QUEUES_MAX)}`));
  if (handSize <= 0) errors.push(invalid(`${path}.handSize`, handSize, 'must be positive'));
  else if (handSize > queues) errors.push(invalid(`${path}.handSize`, handSize, `should not be greater than queues (${String(queues)})`));
  else if (Math.ceil(Math.log2(queues) * handSize) > HASH_BITS_MAX) errors.push(invalid(`${path}.handSize`, handSize, `required entropy bits of deckSize ${String(queues)} and handSize ${String(handSize)} should not be greater than ${String(HASH_BITS_MAX)}`));
  return errors;
}
