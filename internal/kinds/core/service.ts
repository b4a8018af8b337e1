// Service: the client's side. Addresses and node ports are allocated by the registry (upstream: registry/core/service, ValidateService).
import { objectAge } from '../../api/age.ts';
import { copy } from '../../api/meta.ts';
import { dnsLabelName } from '../../api/names.ts';
import type { Service } from '../generated/api-types.ts';
import type { Cell, KindRules } from '../kind.ts';
import { formatLabels } from '../cells.ts';
import { validateBalancerStatus, validateService, validateServiceUpdate } from './service-validation.ts';
import { serviceWarnings } from './service-warnings.ts';
import { clearForTypeChange } from './service-type.ts';

export const service: KindRules<Service> = {
  allowCreateOnUpdate: true,
  validateName: dnsLabelName,
  applyDefaults,
  prepareForCreate: (draft) => {
    draft.status = { loadBalancer: {} };
    const { spec } = draft;
    if (spec?.clusterIP && (spec.clusterIPs ?? []).length === 0) spec.clusterIPs = [spec.clusterIP]; // said by who knows the older field only
  },
  prepareForUpdate: (draft, old) => {
    draft.status = copy(old.status ?? { loadBalancer: {} });
    clearForTypeChange(draft, old);
  },
  validate: (object) => validateService(object),
  warnings: serviceWarnings,
  validateUpdate: (object, old) => validateServiceUpdate(object, old),
  validateStatusUpdate: validateBalancerStatus,
  changesFirst: true,
  cells,
  selectableFields: ({ spec }) => ({ 'spec.clusterIP': spec.clusterIP ?? '', 'spec.type': spec.type ?? '' }),
};

function applyDefaults({ spec, status }: Service): void {
  if (spec === undefined) return;
  spec.type ||= 'ClusterIP';
  spec.sessionAffinity ||= 'None';
  if (spec.sessionAffinity === 'None') delete spec.sessionAffinityConfig;
  else if (spec.sessionAffinityConfig?.clientIP?.timeoutSeconds === undefined) spec.sessionAffinityConfig = { clientIP: { timeoutSeconds: 10800 } };
  for (const port of spec.ports ?? []) {
    port.protocol ||= 'TCP';
    if (port.targetPort === undefined || port.targetPort === 0 || port.targetPort === '') port.targetPort = port.port;
  }
  const balanced = spec.type === 'LoadBalancer';
  const external = balanced || spec.type === 'NodePort' || (spec.type === 'ClusterIP' && (spec.externalIPs ?? []).length > 0);
  if (external) spec.externalTrafficPolicy ||= 'Cluster';
  if (spec.type === 'ExternalName') {
    if (spec.internalTrafficPolicy === 'Cluster' || spec.internalTrafficPolicy === 'Local') delete spec.internalTrafficPolicy; // upstream never shows it there
  } else spec.internalTrafficPolicy ??= 'Cluster';
  if (!balanced) return;
  spec.allocateLoadBalancerNodePorts ??= true;
  for (const ingress of status?.loadBalancer?.ingress ?? []) if (ingress.ip) ingress.ipMode ??= 'VIP';
}

function cells(object: Service, now: number): Cell[] {
  const { spec } = object;
  const ports = (spec.ports ?? []).map(({ port, nodePort, protocol }) => `${String(port)}${nodePort ? `:${String(nodePort)}` : ''}/${protocol ?? ''}`).join(',');
  return [
    object.metadata.name, spec.type ?? '', spec.clusterIPs?.[0] ?? '<none>', externalAddress(object), ports === '' ? '<none>' : ports,
    objectAge(object, now), formatLabels(spec.selector),
  ];
}

function externalAddress({ spec, status }: Service): string {
  const external = spec.externalIPs ?? [];
  switch (spec.type) {
    case 'ClusterIP':
    case 'NodePort': return external.length > 0 ? external.join(',') : '<none>';
    case 'LoadBalancer': {
      const ingress = (status?.loadBalancer?.ingress ?? []).map(({ ip, hostname }) => (ip ? ip : (hostname ?? ''))).filter((address) => address !== '');
      const all = [...[...new Set(ingress)].sort(), ...external];
      return all.length > 0 ? all.join(',') : '<pending>';
    }
    case 'ExternalName': return spec.externalName ?? '';
    case undefined: break;
  }
  return '<unknown>';
}
