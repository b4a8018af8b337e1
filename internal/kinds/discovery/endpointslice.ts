// EndpointSlice (upstream: registry/discovery/endpointslice, pkg/apis/discovery).
import { objectAge } from '../../api/age.ts';
import { invalid, type FieldError } from '../../api/field-error.ts';
import { sameSemantically } from '../../api/json-equality.ts';
import { subdomainName } from '../../api/names.ts';
import type { EndpointSlice } from '../generated/api-types.ts';
import type { KindRules } from '../kind.ts';
import { firstThree } from '../cells.ts';
import { validateEndpoints, validateEndpointSlice } from './endpointslice-validation.ts';

export const endpointSlice: KindRules<EndpointSlice> = {
  validateName: subdomainName,
  applyDefaults: ({ ports = [] }) => {
    for (const port of ports) {
      port.name ??= '';
      port.protocol ??= 'TCP';
    }
  },
  warnings: ({ addressType }, old) => (addressType === 'FQDN' && old === undefined ? ['spec.addressType: FQDN endpoints are deprecated'] : []),
  validate: (object) => validateEndpointSlice(object),
  validateCreate: ({ endpoints, addressType }) => validateEndpoints(endpoints ?? [], addressType),
  // Endpoints that are as they were are not judged again.
  validateUpdate: (object, old): FieldError[] => [
    ...(sameSemantically(object.endpoints, old.endpoints) ? [] : validateEndpoints(object.endpoints ?? [], object.addressType)),
    ...(object.addressType === old.addressType ? [] : [invalid('addressType', object.addressType ?? '', 'field is immutable')]),
  ],
  cells: (object, now) => [
    object.metadata.name, object.addressType, firstThree((object.ports ?? []).map(({ port, name }) => (port !== undefined ? String(port) : (name ?? '*'))), '<unset>'),
    firstThree((object.endpoints ?? []).flatMap(({ addresses }) => addresses ?? []), '<unset>'), objectAge(object, now),
  ],
  tracksGeneration: 'labels too',
  allowCreateOnUpdate: false,
};
