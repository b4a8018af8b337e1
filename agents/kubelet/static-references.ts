// Static pods run without the API: a manifest that needs something of it is refused (upstream's PreventStaticPodAPIReferences).
import type { Pod, Volume } from '../../internal/kinds/generated/api-types.ts';

/** What of the API it refers to, in upstream's words; undefined: nothing. */
export function apiReferenceOf({ spec }: Pod): string | undefined {
  const volumes = spec.volumes ?? [];
  if ((spec.serviceAccountName ?? '') !== '') return 'serviceaccounts';
  if ((spec.imagePullSecrets ?? []).length > 0 || refers(spec, 'secretRef', 'secretKeyRef') || volumes.some(({ secret, projected }) => secret !== undefined || projected?.sources?.some((source) => source.secret !== undefined) === true)) return 'secrets';
  if (refers(spec, 'configMapRef', 'configMapKeyRef') || volumes.some(({ configMap, projected }) => configMap !== undefined || projected?.sources?.some((source) => source.configMap !== undefined) === true)) return 'configmaps';
  if ((spec.resourceClaims ?? []).length > 0) return 'resourceclaims';
  return volumes.map(volumeReference).find((reference) => reference !== undefined);
}

function refers(spec: Pod['spec'], whole: 'secretRef' | 'configMapRef', key: 'secretKeyRef' | 'configMapKeyRef'): boolean {
  return [...spec.initContainers ?? [], ...spec.containers].some(({ env = [], envFrom = [] }) => envFrom.some((source) => source[whole] !== undefined) || env.some(({ valueFrom }) => valueFrom?.[key] !== undefined));
}

function volumeReference({ csi, persistentVolumeClaim, ephemeral, projected }: Volume): string | undefined {
  if (csi !== undefined) return 'csidrivers (via CSI volumes)';
  if (persistentVolumeClaim !== undefined) return 'persistentvolumeclaims';
  if (ephemeral !== undefined) return 'persistentvolumeclaims (via ephemeral volumes)';
  const sources = projected?.sources ?? [];
  if (sources.some(({ serviceAccountToken }) => serviceAccountToken !== undefined)) return 'serviceaccounts (via projected volumes)';
  if (sources.some(({ clusterTrustBundle }) => clusterTrustBundle !== undefined)) return 'clustertrustbundles';
  return sources.some(({ podCertificate }) => podCertificate !== undefined) ? 'podcertificates' : undefined;
}
