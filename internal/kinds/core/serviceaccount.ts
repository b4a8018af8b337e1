// ServiceAccount (upstream: registry/core/serviceaccount). Its printer shows a count of secrets that is always the list's length.
import { subdomainName } from '../../api/names.ts';
import type { ServiceAccount } from '../generated/api-types.ts';
import type { KindRules } from '../kind.ts';
import { nameAndAge } from '../cells.ts';

export const serviceAccount: KindRules<ServiceAccount> = { validateName: subdomainName, cells: nameAndAge };
