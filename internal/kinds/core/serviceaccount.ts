// ServiceAccount (upstream: registry/core/serviceaccount). Its printer shows a count of secrets that is always the list's length.
import { subdomainName } from '../../api/names.ts';
import type { ServiceAccount } from '../generated/api-types.ts';
import type { KindRules } from '../kind.ts';
import { nameAndAge } from '../cells.ts';

/** Of a reference to a secret only the name counts. */
function nameSecrets(draft: ServiceAccount): void {
  if (draft.secrets !== undefined) draft.secrets = draft.secrets.map(({ name }) => (name === undefined ? {} : { name }));
}

const MOUNTABLE = 'kubernetes.io/enforce-mountable-secrets';

export const serviceAccount: KindRules<ServiceAccount> = {
  validateName: subdomainName,
  prepareForCreate: nameSecrets,
  prepareForUpdate: nameSecrets,
  cells: nameAndAge,
  warnings({ metadata }, old) {
    if (metadata.annotations?.[MOUNTABLE] === undefined || old?.metadata.annotations?.[MOUNTABLE] !== undefined) return [];
    return [`metadata.annotations[${MOUNTABLE}]: deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets`];
  },
};
