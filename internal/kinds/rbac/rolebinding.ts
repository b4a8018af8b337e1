// RoleBinding (upstream: pkg/apis/rbac/validation).
import type { RoleBinding } from '../generated/api-types.ts';
import { bindingRules } from './rbac.ts';

export const roleBinding = bindingRules<RoleBinding>(['Role', 'ClusterRole'], true);
