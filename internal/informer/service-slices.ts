// EndpointSlices by their Service: one index for the controllers, the service proxy and DNS, so that a view keeps it once.
import type { EndpointSlice } from '../kinds/generated/api-types.ts';
import type { Index } from './view.ts';

export const SERVICE_NAME = 'kubernetes.io/service-name';

/** `namespace/name` of the Service. */
export const SLICES_BY_SERVICE: Index<EndpointSlice> = {
  name: 'service',
  values: ({ metadata }) => (metadata.labels?.[SERVICE_NAME] === undefined ? [] : [`${metadata.namespace ?? ''}/${metadata.labels[SERVICE_NAME]}`]),
};
