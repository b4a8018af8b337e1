// What a gRPC call fails with: the codes that are used here, and a message.
import { messageOf } from '../../internal/base/errors.ts';

export const CODE = {
  ok: 0, cancelled: 1, unknown: 2, invalidArgument: 3, deadlineExceeded: 4, notFound: 5, alreadyExists: 6, permissionDenied: 7, resourceExhausted: 8, failedPrecondition: 9, aborted: 10,
  outOfRange: 11, unimplemented: 12, internal: 13, unavailable: 14,
} as const;

export class GrpcError extends Error {
  override readonly name = 'GrpcError';
  readonly code: number;
  constructor(code: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

const NAMES = new Map<number, string>([
  [0, 'OK'], [1, 'Canceled'], [2, 'Unknown'], [3, 'InvalidArgument'], [4, 'DeadlineExceeded'], [5, 'NotFound'], [6, 'AlreadyExists'], [7, 'PermissionDenied'], [8, 'ResourceExhausted'], [9, 'FailedPrecondition'],
  [10, 'Aborted'], [11, 'OutOfRange'], [12, 'Unimplemented'], [13, 'Internal'], [14, 'Unavailable'], [15, 'DataLoss'], [16, 'Unauthenticated'],
]);

/** As upstream's messages show what a call failed with: `rpc error: code = NotFound desc = …`; anything else by its own words. */
export function rpcMessageOf(error: unknown): string {
  if (!(error instanceof GrpcError)) return messageOf(error);
  return `rpc error: code = ${NAMES.get(error.code) ?? `Code(${String(error.code)})`} desc = ${error.message}`;
}
