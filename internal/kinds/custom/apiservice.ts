// APIService: defaults, validation and row (upstream: kube-aggregator/pkg/apis/apiregistration, pkg/registry/apiservice).
import { objectAge } from '../../api/age.ts';
import { invalid, notSupported, required, type FieldError } from '../../api/field-error.ts';
import { formatTime } from '../../api/meta.ts';
import { portNumberProblems, subdomainProblems } from '../../api/names.ts';
import { dns1035Problems } from '../admission/names.ts';
import type { APIService } from '../generated/api-types.ts';
import type { KindRules } from '../kind.ts';

const PRIORITY_MAX = { group: 20_000, version: 1000 };

export const apiService: KindRules<APIService> = {
  plainFinalizers: true,
  validateName: () => [], // by its spec, below
  applyDefaults: ({ spec }) => { if (spec?.service !== undefined) spec.service.port ??= 443; },
  prepareForCreate(draft, { now }) {
    // What this server answers itself needs no check.
    draft.status = draft.spec?.service !== undefined ? {} : { conditions: [{ type: 'Available', status: 'True', reason: 'Local', message: 'Local APIServices are always available', lastTransitionTime: formatTime(now) }] };
  },
  allowUnconditionalUpdate: false,
  validate: (object) => [...nameErrors(object), ...groupErrors(object), ...serviceErrors(object)],
  validateStatusUpdate: ({ status }) => (status?.conditions ?? []).flatMap(({ status: holds }, at) => (['True', 'False', 'Unknown'].includes(holds) ? [] : [notSupported(`status.conditions[${String(at)}].status`, holds, ['False', 'True', 'Unknown'])])),
  cells: (object, now) => {
    const { service } = object.spec ?? {};
    const available = object.status?.conditions?.find(({ type }) => type === 'Available');
    const state = available === undefined ? 'Unknown' : available.status === 'True' ? 'True' : `${available.status} (${available.reason ?? ''})`;
    return [object.metadata.name, service === undefined ? 'Local' : `${service.namespace ?? ''}/${service.name ?? ''}`, state, objectAge(object, now)];
  },
};

function nameErrors({ metadata, spec }: APIService): FieldError[] {
  const wanted = `${spec?.version ?? ''}.${spec?.group ?? ''}`;
  return metadata.name === wanted ? [] : [invalid('metadata.name', metadata.name, `must be \`spec.version+"."+spec.group\`: ${JSON.stringify(wanted)}`)];
}

function groupErrors({ spec }: APIService): FieldError[] {
  const { group = '', version = '', groupPriorityMinimum = 0, versionPriority = 0 } = (spec ?? {}) as Partial<NonNullable<APIService['spec']>>;
  return [
    ...(group === '' && version !== 'v1' ? [required('spec.group', 'only v1 may have an empty group and it better be legacy kube')] : []),
    ...(group === '' ? [] : subdomainProblems(group).map((problem) => invalid('spec.group', group, problem))),
    ...dns1035Problems(version).map((problem) => invalid('spec.version', version, problem)),
    ...(groupPriorityMinimum > 0 && groupPriorityMinimum <= PRIORITY_MAX.group ? [] : [invalid('spec.groupPriorityMinimum', groupPriorityMinimum, 'must be positive and less than 20000')]),
    ...(versionPriority > 0 && versionPriority <= PRIORITY_MAX.version ? [] : [invalid('spec.versionPriority', versionPriority, 'must be positive and less than 1000')]),
  ];
}

function serviceErrors({ spec }: APIService): FieldError[] {
  const { service, caBundle = '', insecureSkipTLSVerify = false } = spec ?? {};
  const bytes = `${String(Buffer.from(caBundle, 'base64').length)} bytes`;
  if (service === undefined) {
    return [
      ...(caBundle === '' ? [] : [invalid('spec.caBundle', bytes, 'local APIServices may not have a caBundle')]),
      ...(insecureSkipTLSVerify ? [invalid('spec.insecureSkipTLSVerify', true, 'local APIServices may not have insecureSkipTLSVerify')] : []),
    ];
  }
  const { namespace = '', name = '', port = 0 } = service;
  return [
    ...(namespace === '' ? [required('spec.service.namespace')] : []),
    ...(name === '' ? [required('spec.service.name')] : []),
    ...portNumberProblems(port).map((problem) => invalid('spec.service.port', port, `port is not valid: ${problem}`)),
    ...(insecureSkipTLSVerify && caBundle !== '' ? [invalid('spec.insecureSkipTLSVerify', true, 'may not be true if caBundle is present')] : []),
  ];
}
