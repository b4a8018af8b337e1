// ClusterRoleBinding (upstream: pkg/apis/rbac/validation).
import type { ClusterRoleBinding } from '../generated/api-types.ts';
import { bindingRules } from './rbac.ts';

export const clusterRoleBinding = bindingRules<ClusterRoleBinding>(['ClusterRole'], false);
