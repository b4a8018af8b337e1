// Protobuf forms of what is only ever answered and never stored: metadata by itself, and discovery (whose older documents say no version). In the letters of the schema table; field
// numbers are those of k8s.io/apimachinery's and k8s.io/api/apidiscovery's generated.proto. Kept apart from the table, since OpenAPI names none of them.
import { readTable, type Schemas } from './schema.ts';

const FORMS = [
  'io.k8s.apimachinery.pkg.apis.meta.v1 io.k8s.apimachinery.pkg.apis.meta.v1beta1 io.k8s.api.apidiscovery.v2 io.k8s.apimachinery.pkg.apis.meta.v1.discovery',
  '0:PartialObjectMetadata	meta.k8s.io/v1/PartialObjectMetadata meta.k8s.io/v1beta1/PartialObjectMetadata		metadata @0:ObjectMeta #1',
  '0:PartialObjectMetadataList	meta.k8s.io/v1/PartialObjectMetadataList		metadata @0:ListMeta #1	items [@0:PartialObjectMetadata #2',
  '1:PartialObjectMetadataList	meta.k8s.io/v1beta1/PartialObjectMetadataList		metadata @0:ListMeta #2	items [@0:PartialObjectMetadata #1',
  '0:GroupVersionKind			group s #1	version s #2	kind s #3',
  '2:APIGroupDiscoveryList	apidiscovery.k8s.io/v2/APIGroupDiscoveryList		metadata @0:ListMeta #1	items [@2:APIGroupDiscovery #2',
  '2:APIGroupDiscovery			metadata @0:ObjectMeta #1	versions [@2:APIVersionDiscovery #2',
  '2:APIVersionDiscovery			version s #1	resources [@2:APIResourceDiscovery #2	freshness s #3 e',
  '2:APIResourceDiscovery			resource s #1	responseKind @0:GroupVersionKind #2	scope s #3	singularResource s #4	verbs [s #5	shortNames [s #6 e	categories [s #7 e	subresources [@2:APISubresourceDiscovery #8 e',
  '2:APISubresourceDiscovery			subresource s #1	responseKind @0:GroupVersionKind #2	acceptedTypes [@0:GroupVersionKind #3 e	verbs [s #4',
  '3:APIVersions	//APIVersions		versions [s #1	serverAddressByClientCIDRs [@0:ServerAddressByClientCIDR #2',
  '3:APIResourceList	//APIResourceList /v1/APIResourceList		groupVersion s #1	resources [@3:APIResource #2',
  '3:APIResource			name s #1	namespaced b #2	kind s #3	verbs [s #4.1	shortNames [s #5 e	singularName s #6	categories [s #7 e	group s #8 e	version s #9 e	storageVersionHash s #10 e',
].join('\n');

let forms: Pick<Schemas, 'get' | 'byKind'> | undefined;

/** The schemas with these forms besides. */
export function answerForms(schemas: Schemas): Schemas {
  const own = (forms ??= readTable(FORMS));
  return {
    ...schemas,
    get: (id) => schemas.get(id) ?? own.get(id),
    byKind: (group, version, kind) => own.byKind(group, version, kind) ?? schemas.byKind(group, version, kind),
  };
}
