// VolumeAttachment: validation and row (upstream: pkg/apis/storage).
import { objectAge } from '../../api/age.ts';
import { forbidden, invalid, required, tooLong, type FieldError } from '../../api/field-error.ts';
import { sameSemantically } from '../../api/json-equality.ts';
import { copy } from '../../api/meta.ts';
import { subdomainProblems } from '../../api/names.ts';
import type { VolumeAttachment, VolumeError } from '../generated/api-types.ts';
import { ALWAYS, goForm, type GoForm } from '../go-form.ts';
import { keepMetadata, WRITERS_OWN } from '../kept-metadata.ts';
import type { KindRules } from '../kind.ts';
import { driverNameProblems } from './storage-validation.ts';

const METADATA_BYTES_MAX = 256 * 1024;
const MESSAGE_BYTES_MAX = 1024;
const INLINE_NEVER = ['claimRef', 'capacity', 'nodeAffinity', 'storageClassName'] as const;
const ONE_SOURCE = 'must specify exactly one of inlineVolumeSpec and persistentVolumeName';

export const volumeAttachment: KindRules<VolumeAttachment> = {
  prepareForCreate: (draft) => { draft.status = { attached: false }; },
  prepareForUpdate: (draft, old) => { draft.status = copy(old.status ?? { attached: false }); },
  prepareForStatusUpdate: (draft, old) => keepMetadata(WRITERS_OWN, draft, old),
  validate: (object) => [...validateSpec(object.spec ?? {}), ...validateStatus(object.status)],
  validateUpdate: immutable,
  validateStatusUpdate: (object, old) => [...validateStatus(object.status), ...immutable(object, old)],
  cells: (object, now) => {
    const { metadata, spec, status } = object;
    return [metadata.name, spec.attacher, spec.source?.persistentVolumeName ?? '', spec.nodeName, status?.attached ?? false, objectAge(object, now)];
  },
  allowUnconditionalUpdate: false,
};

function validateSpec({ attacher = '', source = {}, nodeName = '' }: Partial<VolumeAttachment['spec']>): FieldError[] {
  const { inlineVolumeSpec: inline, persistentVolumeName: name } = source;
  const errors = driverNameProblems(attacher, 'spec.attacher');
  if (inline === undefined && name === undefined) errors.push(required('spec.source', ONE_SOURCE));
  else if (inline !== undefined && name !== undefined) errors.push(forbidden('spec.source', ONE_SOURCE));
  else if (name === '') errors.push(required('spec.source.persistentVolumeName', 'must specify non empty persistentVolumeName'));
  else if (inline !== undefined && inline.csi === undefined) errors.push(required('spec.source.inlineVolumeSpec.csi', 'has to be specified in the context of inline volumes'));
  if (inline !== undefined) errors.push(...INLINE_NEVER.flatMap((field) => (isEmpty(inline[field]) ? [] : [forbidden(`spec.source.inlineVolumeSpec.${field}`, 'may not be specified in the context of inline volumes')])));
  errors.push(...subdomainProblems(nodeName).map((problem) => invalid('spec.nodeName', nodeName, problem)));
  return name === undefined ? errors : [...errors, ...subdomainProblems(name).map((problem) => invalid('spec.source.persistentVolumeName', name, problem))];
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === '' || (typeof value === 'object' && Object.keys(value as object).length === 0);
}

function validateStatus({ attachmentMetadata = {}, attachError, detachError }: Partial<NonNullable<VolumeAttachment['status']>> = {}): FieldError[] {
  const size = Object.entries(attachmentMetadata).reduce((sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value), 0);
  const errors = size > METADATA_BYTES_MAX ? [tooLong('status.attachmentMetadata', METADATA_BYTES_MAX)] : [];
  return [...errors, ...validateError(attachError, 'status.attachError'), ...validateError(detachError, 'status.detachError')];
}

function validateError({ message = '', errorCode = 0 }: VolumeError = {}, path: string): FieldError[] {
  const errors = Buffer.byteLength(message) > MESSAGE_BYTES_MAX ? [tooLong(`${path}.message`, METADATA_BYTES_MAX)] : [];
  return errorCode < 0 ? [...errors, invalid(`${path}.errorCode`, errorCode, 'must be between 0 and 2147483647, inclusive')] : errors;
}

/** But for inline volumes, which have some hundred fields. */
const SPEC: GoForm = [['attacher', 'Attacher', ''], ['source', 'Source', ALWAYS, [['persistentVolumeName', 'PersistentVolumeName', null], ['inlineVolumeSpec', 'InlineVolumeSpec', null]]], ['nodeName', 'NodeName', '']];

function immutable({ spec }: VolumeAttachment, { spec: old }: VolumeAttachment): FieldError[] {
  return sameSemantically(spec, old) ? [] : [invalid('spec', goForm(SPEC, spec), 'field is immutable')];
}
