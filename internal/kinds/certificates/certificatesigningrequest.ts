// CertificateSigningRequest: who asks is the server's to say, conditions get their times, a decision is not taken back; row (upstream:
// registry/certificates, pkg/apis/certificates/validation).
import { formatAge, objectAge } from '../../api/age.ts';
import { forbidden, type FieldError } from '../../api/field-error.ts';
import { sameWhenWritten } from '../../api/json-equality.ts';
import { formatTime } from '../../api/meta.ts';
import type { CertificateSigningRequest, CertificateSigningRequestCondition as Condition } from '../generated/api-types.ts';
import type { KindRules, RuleContext } from '../kind.ts';
import { orNone } from '../cells.ts';
import { validateRequest } from './certificatesigningrequest-validation.ts';

const DECISIONS = ['Approved', 'Denied'] as const;
const FINAL = [...DECISIONS, 'Failed'] as const;
const CONDITIONS = 'status.conditions';

export const certificateSigningRequest: KindRules<CertificateSigningRequest> = {
  validateName: () => [],
  prepareForCreate,
  prepareForUpdate(draft, old) {
    draft.spec = old.spec;
    if (old.status === undefined) delete draft.status;
    else draft.status = old.status;
  },
  prepareForStatusUpdate,
  prepareForPartUpdate: (_approval, draft, old, { now }) => giveTimes(draft, old, now),
  validate: validateRequest,
  validateUpdate: (draft, old) => [...validateKept(draft, old), ...validateDecisions(draft, old), ...validateCertificateKept(draft, old)],
  validateStatusUpdate: (draft, old) => [...validateRequest(draft), ...validateKept(draft, old), ...validateDecisions(draft, old), ...validateCertificateChange(draft, old)],
  validatePart: (_approval, draft, old) => [...validateKept(draft, old), ...validateCertificateKept(draft, old)],
  cells: (object, now) => {
    const { spec } = object;
    const duration = spec.expirationSeconds === undefined ? '<none>' : formatAge(spec.expirationSeconds * 1000);
    return [object.metadata.name, objectAge(object, now), orNone(spec.signerName), spec.username ?? '', duration, stateOf(object)];
  },
  selectableFields: ({ spec }) => ({ 'spec.signerName': spec.signerName }),
};

function prepareForCreate(draft: CertificateSigningRequest, { user, identity = { username: user, groups: [] } }: RuleContext): void {
  const { username, uid, groups, extra } = identity;
  const { username: _username, uid: _uid, groups: _groups, extra: _extra, ...asked } = draft.spec ?? {};
  draft.spec = {
    ...(asked as CertificateSigningRequest['spec']), username, groups: [...groups],
    ...(uid !== undefined && uid !== '' && { uid }),
    ...(extra !== undefined && Object.keys(extra).length > 0 && { extra: Object.fromEntries(Object.entries(extra).map(([key, values]) => [key, [...values]])) }),
  };
  draft.status = {};
}

/** Whoever signs sends the decisions along: they stay as they were to the letter, unless some are added or taken away, which validation refuses. */
function prepareForStatusUpdate(draft: CertificateSigningRequest, old: CertificateSigningRequest, { now }: RuleContext): void {
  const conditions = draft.status?.conditions;
  for (const type of DECISIONS) {
    const [kept, places] = [of(old, type), (conditions ?? []).flatMap((condition, index) => (condition.type === type ? [index] : []))];
    if (conditions !== undefined && kept.length === places.length) places.forEach((place, index) => (conditions[place] = kept[index] as Condition));
  }
  giveTimes(draft, old, now);
}

function giveTimes({ status }: CertificateSigningRequest, old: CertificateSigningRequest, now: number): void {
  if (status?.conditions === undefined) return;
  status.conditions = status.conditions.map((condition) => {
    const before = of(old, condition.type).find((each) => each.status === condition.status && each.lastTransitionTime);
    return { ...condition, lastUpdateTime: condition.lastUpdateTime || formatTime(now), lastTransitionTime: condition.lastTransitionTime || before?.lastTransitionTime || formatTime(now) };
  });
}

function validateKept(draft: CertificateSigningRequest, old: CertificateSigningRequest): FieldError[] {
  return FINAL.filter((type) => of(draft, type).length < of(old, type).length).map((type) => forbidden(CONDITIONS, `updates may not remove a condition of type ${JSON.stringify(type)}`));
}

function validateDecisions(draft: CertificateSigningRequest, old: CertificateSigningRequest): FieldError[] {
  return DECISIONS.flatMap((type) => {
    const [before, after] = [of(old, type), of(draft, type)];
    if (after.length > before.length) return [forbidden(CONDITIONS, `updates may not add a condition of type ${JSON.stringify(type)}`)];
    return after.length < before.length || sameWhenWritten(before, after) ? [] : [forbidden(CONDITIONS, `updates may not modify a condition of type ${JSON.stringify(type)}`)];
  });
}

function validateCertificateKept(draft: CertificateSigningRequest, old: CertificateSigningRequest): FieldError[] {
  return certificateOf(draft) === certificateOf(old) ? [] : [forbidden('status.certificate', 'updates may not set certificate content')];
}

function validateCertificateChange(draft: CertificateSigningRequest, old: CertificateSigningRequest): FieldError[] {
  return certificateOf(old) === '' || certificateOf(draft) === certificateOf(old) ? [] : [forbidden('status.certificate', 'updates may not modify existing certificate content')];
}

function certificateOf({ status }: CertificateSigningRequest): string {
  return status?.certificate ?? '';
}

function of({ status }: CertificateSigningRequest, type: string): Condition[] {
  return (status?.conditions ?? []).filter((condition) => condition.type === type);
}

function stateOf({ status }: CertificateSigningRequest): string {
  const has = (type: string): boolean => (status?.conditions ?? []).some((condition) => condition.type === type);
  const state = has('Denied') ? 'Denied' : has('Approved') ? 'Approved' : 'Pending';
  return `${state}${has('Failed') ? ',Failed' : ''}${status?.certificate ? ',Issued' : ''}`;
}
