// CustomResourceDefinition (apiextensions.k8s.io/v1): defaults of names and conversion, storedVersions kept, the finalizer that clears up.
// Upstream: apiextensions-apiserver, pkg/registry/customresourcedefinition and pkg/apis/apiextensions/v1/defaults.go.
import type { CustomResourceDefinition } from '../generated/api-types.ts';
import { withCondition } from './crd-conditions.ts';
import type { CustomSchema } from './custom-schema.ts';
import { isKnownFormat } from './formats.ts';
import { validateCrd, validateCrdStatus } from './crd-validation.ts';
import { nameAndCreation } from '../cells.ts';
import type { KindRules } from '../kind.ts';

export const CLEANUP_FINALIZER = 'customresourcecleanup.apiextensions.k8s.io';

export const customResourceDefinition: KindRules<CustomResourceDefinition> = {
  cells: nameAndCreation,
  plainFinalizers: true,
  allowUnconditionalUpdate: false,
  applyDefaults(draft) {
    const spec = (draft.spec ??= {} as typeof draft.spec);
    const { names } = spec;
    if (names !== undefined) {
      names.singular ||= (names.kind ?? '').toLowerCase();
      names.listKind ||= names.kind ? `${names.kind}List` : '';
    }
    // Go writes them whether they were said or not.
    for (const version of spec.versions ?? []) {
      version.served ??= false;
      version.storage ??= false;
    }
    spec.conversion ??= { strategy: 'None' };
    const service = spec.conversion.webhook?.clientConfig?.service;
    if (service !== undefined) service.port ??= 443;
    if ((draft.status?.storedVersions ?? []).length === 0) keepStoredVersions(draft);
  },
  prepareForCreate(draft) {
    // Upstream writes the empty list that nobody has set as null.
    draft.status = { conditions: null as never, acceptedNames: { plural: '', kind: '' }, storedVersions: [] };
    keepStoredVersions(draft);
  },
  prepareForUpdate(draft, old) {
    if (old.status === undefined) delete draft.status;
    else draft.status = { ...old.status };
    keepStoredVersions(draft);
  },
  warnings(crd, old) {
    const known = old === undefined ? new Set<string>() : new Set(unknownFormats(old));
    return unknownFormats(crd).filter((format) => !known.has(format)).map((format) => `unrecognized format ${JSON.stringify(format)}`);
  },
  validateCreate: (crd) => validateCrd(crd, undefined),
  validateUpdate: (crd, old) => validateCrd(crd, old),
  validateStatusUpdate: validateCrdStatus,
  prepareForDelete(draft, { now }) {
    const { metadata } = draft;
    if (metadata.finalizers?.includes(CLEANUP_FINALIZER) !== true) metadata.finalizers = [...(metadata.finalizers ?? []), CLEANUP_FINALIZER];
    const terminating = { type: 'Terminating', status: 'True', reason: 'InstanceDeletionPending', message: 'CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon' };
    draft.status = { ...draft.status, conditions: withCondition(draft.status?.conditions, terminating, now) };
  },
};

function unknownFormats({ spec }: CustomResourceDefinition): string[] {
  return (spec.versions ?? []).flatMap(({ schema }) => formatsOf(schema?.openAPIV3Schema as CustomSchema | undefined));
}

/** Formats that are not looked at, in the order of the schema. */
function formatsOf(schema: CustomSchema | undefined): string[] {
  if (schema === undefined) return [];
  const { type = '', format = '', properties = {}, items, additionalProperties } = schema;
  const below = [...Object.values(properties), items, typeof additionalProperties === 'object' ? additionalProperties : undefined];
  return [...(format === '' || isKnownFormat(type, format) ? [] : [format]), ...below.flatMap(formatsOf)];
}

function keepStoredVersions(draft: CustomResourceDefinition): void {
  const name = draft.spec.versions?.find(({ storage }) => storage)?.name;
  const stored = draft.status?.storedVersions ?? [];
  if (name !== undefined && !stored.includes(name)) draft.status = { ...draft.status, storedVersions: [...stored, name] };
}
