// Groups of aggregated servers in discovery, in its two forms.
import { apiVersionOf } from '../../api/meta.ts';
import type { RemoteResource, RemoteVersion } from './documents.ts';

interface GroupVersion {
  groupVersion: string;
  version: string;
}

/** As /apis and /apis/GROUP list a group. */
export interface ListedGroup {
  name: string;
  versions: GroupVersion[];
  preferredVersion: GroupVersion | undefined;
}

/** Only what is available is listed, as clients ask each of them. */
export function listedGroups(versions: readonly RemoteVersion[]): ListedGroup[] {
  return byGroup(versions.filter(({ api }) => api.available)).map(([name, members]) => {
    const all = members.map(({ api: { version } }) => ({ groupVersion: apiVersionOf(name, version), version }));
    return { name, versions: all, preferredVersion: all[0] };
  });
}

/** As aggregated discovery lists them; a version that never answered has no resources and is stale. */
export function discoveredGroups(versions: readonly RemoteVersion[]): object[] {
  return byGroup(versions).map(([name, members]) => ({
    metadata: { name },
    versions: members.map(({ api, resources, stale }) => ({ version: api.version, ...(resources !== undefined && { resources: discovered(resources) }), freshness: stale ? 'Stale' : 'Current' })),
  }));
}

function byGroup(versions: readonly RemoteVersion[]): [string, RemoteVersion[]][] {
  return [...Map.groupBy(versions, ({ api }) => api.group)];
}

function discovered(resources: readonly RemoteResource[]): object[] {
  return resources.filter(({ name }) => !name.includes('/')).map((resource) => {
    const { name, singularName = '', namespaced = false, verbs = [], shortNames = [], categories = [] } = resource;
    const below = resources.filter((sub) => sub.name.startsWith(`${name}/`));
    return {
      resource: name, responseKind: responseKind(resource), scope: namespaced ? 'Namespaced' : 'Cluster', singularResource: singularName, verbs,
      ...(shortNames.length > 0 && { shortNames }), ...(categories.length > 0 && { categories }),
      ...(below.length > 0 && { subresources: below.map((sub) => ({ subresource: sub.name.slice(name.length + 1), responseKind: responseKind(sub), verbs: sub.verbs ?? [] })) }),
    };
  });
}

/** Empty where it is the resource's own, which clients fill in. */
function responseKind({ group = '', version = '', kind }: RemoteResource): object {
  return { group, version, kind };
}
