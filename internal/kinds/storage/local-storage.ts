// Names of the built-in local storage: as K3s has them, so that its manifests and its habits hold.

export const LOCAL_PROVISIONER = 'rancher.io/local-path';
export const LOCAL_CLASS = 'local-path';
