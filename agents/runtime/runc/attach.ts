import { RuntimeError, type ExecOptions } from '../runtime.ts';
import type { Ground } from './ground.ts';
import type { ContainerRecord } from './records.ts';

export function attach(_ground: Ground, _record: ContainerRecord, _options: Omit<ExecOptions, 'command' | 'timeoutMs'>): Promise<void> {
  return Promise.reject(new RuntimeError('ExecError', 'attach is not there yet'));
}
