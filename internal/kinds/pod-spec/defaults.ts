// Defaults of a pod's spec that depend on other fields or that OpenAPI does not say (upstream: pkg/apis/core/v1/defaults.go).
// A template gets podSpecDefaults; a Pod itself gets podOnlyDefaults on top, so that templates stay as their users wrote them.
import type { Container, EphemeralContainer, ObjectFieldSelector, Pod, PodSpec, Probe, ResourceFieldSelector, Volume } from '../generated/api-types.ts';
import { isHugePage, isOvercommitAllowed } from '../resource-names.ts';
import { imageTag } from './image-reference.ts';
import { podRequests } from './requirements.ts';

const FILE_MODE = 0o644;

export function podSpecDefaults(spec: PodSpec | undefined): void {
  if (spec === undefined) return;
  spec.containers ??= []; // validation refuses it, but admission looks first
  delete spec.schedulingGroup; // GenericWorkload, off in 1.36: dropped, as upstream does
  spec.dnsPolicy ||= 'ClusterFirst';
  spec.restartPolicy ||= 'Always';
  spec.securityContext ??= {};
  spec.terminationGracePeriodSeconds ??= 30;
  spec.schedulerName ||= 'default-scheduler';
  if (spec.serviceAccountName !== undefined) spec.serviceAccount = spec.serviceAccountName;
  else if (spec.serviceAccount !== undefined) spec.serviceAccountName = spec.serviceAccount;
  spec.volumes?.forEach(volumeDefaults);
  for (const list of [spec.initContainers, spec.containers, spec.ephemeralContainers]) list?.forEach(containerDefaults);
}

/** What only a Pod gets: requests from limits, service links, host ports of pods on the host's network. */
export function podOnlyDefaults(spec: PodSpec): void {
  for (const container of allContainers(spec)) requestsFromLimits(container);
  podRequestsFromLimits(spec);
  spec.enableServiceLinks ??= true;
  if (spec.hostNetwork !== true) return;
  for (const container of allContainers(spec)) for (const port of container.ports ?? []) port.hostPort ||= port.containerPort;
}

function allContainers(spec: PodSpec): Container[] {
  return [...(spec.containers ?? []), ...(spec.initContainers ?? [])];
}

function containerDefaults(container: Container | EphemeralContainer): void {
  container.imagePullPolicy ||= imageTag(container.image ?? '') === 'latest' ? 'Always' : 'IfNotPresent';
  container.terminationMessagePath ||= '/dev/termination-log';
  container.terminationMessagePolicy ||= 'File';
  container.resources ??= {};
  for (const port of container.ports ?? []) port.protocol ||= 'TCP';
  for (const { valueFrom } of container.env ?? []) if (valueFrom !== undefined) referenceDefaults(valueFrom);
  for (const probe of [container.livenessProbe, container.readinessProbe, container.startupProbe]) probeDefaults(probe);
  dropStopSignal(container);
  for (const handler of [container.lifecycle?.postStart, container.lifecycle?.preStop]) if (handler?.httpGet !== undefined) httpDefaults(handler.httpGet);
}

// ContainerStopSignals, off in 1.36.
function dropStopSignal(container: Container | EphemeralContainer): void {
  if (container.lifecycle?.stopSignal === undefined) return;
  delete container.lifecycle.stopSignal;
  if (Object.keys(container.lifecycle).length === 0) delete container.lifecycle;
}

/** A divisor that is not said is written as 0, which means 1. */
function referenceDefaults({ fieldRef, resourceFieldRef }: { fieldRef?: ObjectFieldSelector; resourceFieldRef?: ResourceFieldSelector }): void {
  if (fieldRef !== undefined) fieldRef.apiVersion ||= 'v1';
  if (resourceFieldRef !== undefined) resourceFieldRef.divisor ??= '0';
}

function probeDefaults(probe: Probe | undefined): void {
  if (probe === undefined) return;
  probe.timeoutSeconds ||= 1;
  probe.periodSeconds ||= 10;
  probe.successThreshold ||= 1;
  probe.failureThreshold ||= 3;
  if (probe.httpGet !== undefined) httpDefaults(probe.httpGet);
  if (probe.grpc !== undefined) probe.grpc.service ??= '';
}

function httpDefaults(action: NonNullable<Probe['httpGet']>): void {
  action.path ||= '/';
  action.scheme ||= 'HTTP';
}

function volumeDefaults(volume: Volume): void {
  if (Object.keys(volume).every((key) => key === 'name')) volume.emptyDir = {};
  if (volume.image !== undefined) volume.image.pullPolicy ||= imageTag(volume.image.reference ?? '') === 'latest' ? 'Always' : 'IfNotPresent';
  if (volume.secret !== undefined) volume.secret.defaultMode ??= FILE_MODE;
  if (volume.configMap !== undefined) volume.configMap.defaultMode ??= FILE_MODE;
  if (volume.hostPath !== undefined) volume.hostPath.type ??= '';
  if (volume.downwardAPI !== undefined) {
    volume.downwardAPI.defaultMode ??= FILE_MODE;
    for (const file of volume.downwardAPI.items ?? []) referenceDefaults(file);
  }
  if (volume.projected !== undefined) projectedDefaults(volume.projected);
  if (volume.ephemeral?.volumeClaimTemplate !== undefined) volume.ephemeral.volumeClaimTemplate.spec.volumeMode ??= 'Filesystem';
}

function projectedDefaults(projected: NonNullable<Volume['projected']>): void {
  projected.defaultMode ??= FILE_MODE;
  for (const source of projected.sources ?? []) {
    // Of features that are off (ClusterTrustBundleProjection, PodCertificateRequest: beta in 1.36, and not on by default): dropped, as upstream does.
    delete source.clusterTrustBundle;
    delete source.podCertificate;
    const { serviceAccountToken, downwardAPI } = source;
    if (serviceAccountToken !== undefined) serviceAccountToken.expirationSeconds ??= 3600;
    for (const file of downwardAPI?.items ?? []) referenceDefaults(file);
  }
}

function requestsFromLimits({ resources }: Container): void {
  if (resources?.limits === undefined) return;
  resources.requests = { ...resources.limits, ...resources.requests };
}

// Pod-level resources: what the pod itself does not ask for is what its containers ask for together, and else its limit.
function podRequestsFromLimits({ overhead: _overhead, ...spec }: PodSpec): void {
  const { resources } = spec;
  if (resources === undefined || Object.keys(resources.limits ?? {}).length === 0) return;
  const { resources: _own, ...containers } = spec;
  const limits = Object.entries(resources.limits ?? {}).filter(([name]) => isShared(name));
  const asked = Object.entries(podRequests({ spec: containers } as Pod)).filter(([name]) => isShared(name) && isOvercommitAllowed(name));
  const requests = { ...Object.fromEntries(limits), ...Object.fromEntries(asked), ...resources.requests };
  if (Object.keys(requests).length > 0) resources.requests = requests;
}

/** What a pod as a whole may ask for. */
function isShared(name: string): boolean {
  return name === 'cpu' || name === 'memory' || isHugePage(name);
}
