// The kinds that a CustomResourceDefinition brings: one for each version it serves, a `Kind` like any other, with the definitions by which
// the schema table knows them. Nothing here is established or served by itself: who keeps the list of kinds decides (registry/custom-kinds.ts).
import type { DefinitionSource, Schemas } from '../../api/schema.ts';
import type { CustomResourceDefinition, CustomResourceDefinitionVersion } from '../generated/api-types.ts';
import type { Kind, Subresource } from '../kind.ts';
import { hasCondition } from './crd-conditions.ts';
import type { Converter } from './conversion.ts';
import { storageAt, type Versions } from './conversion.ts';
import { customRules } from './custom-rules.ts';
import type { CustomSchema } from './custom-schema.ts';
import { definitionId, definitionsOf } from './definition.ts';
import { publishedList, publishedSchema, type Publication } from './published-schema.ts';
import { columnsOf } from './printer-columns.ts';
import { compareVersions } from './version-order.ts';

export interface CustomKinds {
  kinds: Kind[];
  definitions: DefinitionSource;
}

export interface CustomKindsOptions {
  schemas: Schemas;
  retired: AbortSignal;
  /** For definitions whose versions a webhook converts. */
  converterOf(crd: CustomResourceDefinition): Converter | undefined;
}

const VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];

export function customKinds(crd: CustomResourceDefinition, { schemas, retired, converterOf }: CustomKindsOptions): CustomKinds {
  const { spec } = crd;
  const served = spec.versions.filter((version) => version.served || isOnlyToGo(crd, version)).toSorted((a, b) => compareVersions(a.name, b.name));
  const convert = converterOf(crd);
  const versions: Versions = {
    group: spec.group, resource: namesOf(crd).plural, table: schemas,
    schemas: new Map(spec.versions.map((version) => [version.name, schemaOf(version)])),
    storageVersion: spec.versions.find(({ storage }) => storage)?.name ?? '',
    ...(convert !== undefined && { convert }),
  };
  return {
    kinds: served.map((version) => kindOf(crd, version, { versions, retired })),
    definitions: definitionsOf(served.map((version) => ({ group: spec.group, version: version.name, kind: namesOf(crd).kind, schema: schemaOf(version), hasStatus: hasStatus(version) }))),
  };
}

/** A definition without a served version is served while it is being deleted, so that its objects can be. */
function isOnlyToGo(crd: CustomResourceDefinition, { storage }: CustomResourceDefinitionVersion): boolean {
  return storage && hasCondition(crd, 'Terminating') && !crd.spec.versions.some((version) => version.served);
}

function namesOf({ spec, status }: CustomResourceDefinition): CustomResourceDefinition['spec']['names'] {
  const accepted = status?.acceptedNames;
  return accepted === undefined || accepted.plural === '' ? spec.names : accepted;
}

function schemaOf(version: CustomResourceDefinitionVersion): CustomSchema | undefined {
  return version.schema?.openAPIV3Schema as CustomSchema | undefined;
}

function hasStatus({ subresources }: CustomResourceDefinitionVersion): boolean {
  return subresources?.status !== undefined && subresources.status !== null;
}

function kindOf(crd: CustomResourceDefinition, version: CustomResourceDefinitionVersion, { versions, retired }: { versions: Versions; retired: AbortSignal }): Kind {
  const { group, scope } = crd.spec;
  const names = namesOf(crd);
  const gvk = { group, version: version.name, kind: names.kind };
  const schema = definitionId(gvk);
  const scale = version.subresources?.scale;
  const warning = version.deprecated === true ? (version.deprecationWarning ?? deprecationOf(crd, version.name, names.kind)) : undefined;
  return {
    ...gvk, resource: names.plural, singular: names.singular ?? names.kind.toLowerCase(), listKind: names.listKind ?? `${names.kind}List`,
    shortNames: names.shortNames ?? [], categories: names.categories ?? [], namespaced: scope === 'Namespaced', verbs: VERBS,
    subresources: subresourcesOf(version, gvk), schema,
    columns: columnsOf(version.additionalPrinterColumns).columns,
    rules: { ...customRules(version), storage: storageAt(version.name, versions) },
    custom: {
      retired, storageVersion: versions.storageVersion, versions: [...versions.schemas.keys()], terminating: hasCondition(crd, 'Terminating'), ...(warning !== undefined && { deprecation: warning }), ...(scale !== undefined && { scale: { ...scale, replicasPaths: replicasPaths(crd) } }),
      openApi(dialect) {
        const publication: Publication = { dialect, gvk, preserves: crd.spec.preserveUnknownFields === true, selectable: (version.selectableFields ?? []).map(({ jsonPath }) => jsonPath) };
        return { object: publishedSchema(schemaOf(version), publication), list: publishedList(schema, publication, { plural: names.plural, listKind: names.listKind ?? `${names.kind}List` }) };
      },
    },
  };
}

function replicasPaths({ spec: { group, versions } }: CustomResourceDefinition): Record<string, string | null> {
  return Object.fromEntries(versions.map(({ name, subresources }) => [`${group}/${name}`, subresources?.scale?.specReplicasPath ?? null]));
}

/** With the best version to use instead, where there is a better one. */
function deprecationOf({ spec: { group, versions } }: CustomResourceDefinition, name: string, kind: string): string {
  const [better] = versions.filter(({ served, deprecated }) => served && deprecated !== true).map((version) => version.name).filter((other) => compareVersions(other, name) < 0).sort(compareVersions);
  return `${group}/${name} ${kind} is deprecated${better === undefined ? '' : `; use ${group}/${better} ${kind}`}`;
}

function subresourcesOf(version: CustomResourceDefinitionVersion, gvk: { group: string; version: string; kind: string }): Subresource[] {
  const verbs = ['get', 'patch', 'update'];
  return [
    ...(hasStatus(version) ? [{ name: 'status', ...gvk, verbs }] : []),
    ...(version.subresources?.scale !== undefined ? [{ name: 'scale', group: 'autoscaling', version: 'v1', kind: 'Scale', verbs }] : []),
  ];
}
