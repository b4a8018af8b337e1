// Versions, set by the build; a run from the sources says so.
declare const SKIFF_VERSION: string;

export const SKIFF_VERSION_TEXT = typeof SKIFF_VERSION === 'string' ? SKIFF_VERSION : 'from source';
/** The Kubernetes whose API is served: what /version says is `v<this>+skiff1`. */
export const KUBERNETES_VERSION = '1.36.3';
