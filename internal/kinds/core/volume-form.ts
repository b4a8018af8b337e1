// Where a volume's data is, and which nodes reach it, as upstream's messages show it.
import type { PersistentVolume } from '../generated/api-types.ts';
import { goForm, sortedKeys, type GoField, type GoForm } from '../go-form.ts';

const REQUIREMENTS: GoForm = [['key', 'Key', ''], ['operator', 'Operator', ''], ['values', 'Values', null]];
const AFFINITY: GoForm = [['required', 'Required', null, [['nodeSelectorTerms', 'NodeSelectorTerms', null, [['matchExpressions', 'MatchExpressions', null, REQUIREMENTS], ['matchFields', 'MatchFields', null, REQUIREMENTS]]]]]];
const SECRET: GoForm = [['name', 'Name', ''], ['namespace', 'Namespace', '']];
const READ_ONLY: GoField = ['readOnly', 'ReadOnly', false];
const FILE_SYSTEM: GoField = ['fsType', 'FSType', ''];
const SOURCES: GoForm = [
['gcePersistentDisk', 'GCEPersistentDisk', null, [['pdName', 'PDName', ''], FILE_SYSTEM, ['partition', 'Partition', 0], READ_ONLY]],
  ['awsElasticBlockStore', 'AWSElasticBlockStore', null, [['volumeID', 'VolumeID', ''], FILE_SYSTEM, ['partition', 'Partition', 0], READ_ONLY]],
  ['hostPath', 'HostPath', null, [['path', 'Path', ''], ['type', 'Type', null]]],
  ['glusterfs', 'Glusterfs', null, [['endpoints', 'EndpointsName', ''], ['path', 'Path', ''], READ_ONLY, ['endpointsNamespace', 'EndpointsNamespace', null]]],
  ['nfs', 'NFS', null, [['server', 'Server', ''], ['path', 'Path', ''], READ_ONLY]],
  ['rbd', 'RBD', null, [['monitors', 'CephMonitors', null], ['image', 'RBDImage', ''], FILE_SYSTEM, ['pool', 'RBDPool', ''], ['user', 'RadosUser', ''], ['keyring', 'Keyring', ''], ['secretRef', 'SecretRef', null, SECRET], READ_ONLY]],
  ['quobyte', 'Quobyte', null, [['registry', 'Registry', ''], ['volume', 'Volume', ''], READ_ONLY, ['user', 'User', ''], ['group', 'Group', ''], ['tenant', 'Tenant', '']]],
  ['iscsi', 'ISCSI', null, [['targetPortal', 'TargetPortal', ''], ['iqn', 'IQN', ''], ['lun', 'Lun', 0], ['iscsiInterface', 'ISCSIInterface', ''], FILE_SYSTEM, READ_ONLY, ['portals', 'Portals', null], ['chapAuthDiscovery', 'DiscoveryCHAPAuth', false], ['chapAuthSession', 'SessionCHAPAuth', false], ['secretRef', 'SecretRef', null, SECRET], ['initiatorName', 'InitiatorName', null]]],
  ['flexVolume', 'FlexVolume', null, [['driver', 'Driver', ''], FILE_SYSTEM, ['secretRef', 'SecretRef', null, SECRET], READ_ONLY, ['options', 'Options', null]]],
  ['cinder', 'Cinder', null, [['volumeID', 'VolumeID', ''], FILE_SYSTEM, READ_ONLY, ['secretRef', 'SecretRef', null, SECRET]]],
  ['cephfs', 'CephFS', null, [['monitors', 'Monitors', null], ['path', 'Path', ''], ['user', 'User', ''], ['secretFile', 'SecretFile', ''], ['secretRef', 'SecretRef', null, SECRET], READ_ONLY]],
  ['fc', 'FC', null, [['targetWWNs', 'TargetWWNs', null], ['lun', 'Lun', null], FILE_SYSTEM, READ_ONLY, ['wwids', 'WWIDs', null]]],
  ['flocker', 'Flocker', null, [['datasetName', 'DatasetName', ''], ['datasetUUID', 'DatasetUUID', '']]],
  ['azureFile', 'AzureFile', null, [['secretName', 'SecretName', ''], ['shareName', 'ShareName', ''], READ_ONLY, ['secretNamespace', 'SecretNamespace', null]]],
  ['vsphereVolume', 'VsphereVolume', null, [['volumePath', 'VolumePath', ''], FILE_SYSTEM, ['storagePolicyName', 'StoragePolicyName', ''], ['storagePolicyID', 'StoragePolicyID', '']]],
  ['azureDisk', 'AzureDisk', null, [['diskName', 'DiskName', ''], ['diskURI', 'DataDiskURI', ''], ['cachingMode', 'CachingMode', null], ['fsType', 'FSType', null], READ_ONLY, ['kind', 'Kind', null]]],
  ['photonPersistentDisk', 'PhotonPersistentDisk', null, [['pdID', 'PdID', ''], FILE_SYSTEM]],
  ['portworxVolume', 'PortworxVolume', null, [['volumeID', 'VolumeID', ''], FILE_SYSTEM, READ_ONLY]],
  ['scaleIO', 'ScaleIO', null, [['gateway', 'Gateway', ''], ['system', 'System', ''], ['secretRef', 'SecretRef', null, SECRET], ['sslEnabled', 'SSLEnabled', false], ['protectionDomain', 'ProtectionDomain', ''], ['storagePool', 'StoragePool', ''], ['storageMode', 'StorageMode', ''], ['volumeName', 'VolumeName', ''], FILE_SYSTEM, READ_ONLY]],
  ['local', 'Local', null, [['path', 'Path', ''], ['fsType', 'FSType', null]]],
  ['storageos', 'StorageOS', null, [['volumeName', 'VolumeName', ''], ['volumeNamespace', 'VolumeNamespace', ''], FILE_SYSTEM, READ_ONLY, ['secretRef', 'SecretRef', null, [['kind', 'Kind', ''], ['namespace', 'Namespace', ''], ['name', 'Name', ''], ['uid', 'UID', ''], ['apiVersion', 'APIVersion', ''], ['resourceVersion', 'ResourceVersion', ''], ['fieldPath', 'FieldPath', '']]]]],
  ['csi', 'CSI', null, [['driver', 'Driver', ''], ['volumeHandle', 'VolumeHandle', ''], READ_ONLY, FILE_SYSTEM, ['volumeAttributes', 'VolumeAttributes', null], ['controllerPublishSecretRef', 'ControllerPublishSecretRef', null, SECRET], ['nodeStageSecretRef', 'NodeStageSecretRef', null, SECRET], ['nodePublishSecretRef', 'NodePublishSecretRef', null, SECRET], ['controllerExpandSecretRef', 'ControllerExpandSecretRef', null, SECRET], ['nodeExpandSecretRef', 'NodeExpandSecretRef', null, SECRET]]],
];

export function affinityAsGoPrints(affinity: PersistentVolume['spec']['nodeAffinity']): object | null {
  return affinity === undefined ? null : goForm(AFFINITY, affinity);
}

export function sourceAsGoPrints({ csi, flexVolume, ...more }: Partial<PersistentVolume['spec']>): object {
  return goForm(SOURCES, {
    ...more,
    ...(csi !== undefined && { csi: { ...csi, volumeAttributes: sortedKeys(csi.volumeAttributes) } }),
    ...(flexVolume !== undefined && { flexVolume: { ...flexVolume, options: sortedKeys(flexVolume.options) } }),
  });
}
