// The options of a write as an object (CreateOptions, UpdateOptions, DeleteOptions): webhooks and policies are shown them.
import type { AdmissionRequest } from '../admission.ts';

const META = 'meta.k8s.io/v1';

/** null for CONNECT, which has none. */
export function operationOptions({ operation, options: { fieldManager, fieldValidation, delete: deletion }, dryRun }: Pick<AdmissionRequest, 'operation' | 'options' | 'dryRun'>): object | null {
  const dry = dryRun ? { dryRun: ['All'] } : {};
  if (operation === 'CONNECT') return null;
  if (operation === 'DELETE') return { kind: 'DeleteOptions', apiVersion: META, ...deletion, ...dry };
  return { kind: operation === 'CREATE' ? 'CreateOptions' : 'UpdateOptions', apiVersion: META, ...dry, ...(fieldManager !== undefined && fieldManager !== '' && { fieldManager }), ...(fieldValidation !== undefined && { fieldValidation }) };
}
