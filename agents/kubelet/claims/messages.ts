// The messages of the DRA plugin API, v1 (v1beta1 is the same on the wire).
import { createCodec, type Incoming, type MessageTable } from '../../grpc/messages.ts';

const MESSAGES = {
  Claims: { claims: [1, ['Claim']] },
  Claim: { namespace: [1, 'text'], uid: [2, 'text'], name: [3, 'text'] },
  /** Maps from a claim's uid, as they are on the wire. */
  Prepared: { claims: [1, ['PreparedEntry']] },
  PreparedEntry: { uid: [1, 'text'], result: [2, 'PreparedClaim'] },
  PreparedClaim: { devices: [1, ['Device']], error: [2, 'text'] },
  Device: { requests: [1, ['text']], pool: [2, 'text'], device: [3, 'text'], cdiIds: [4, ['text']], shareId: [5, 'text'] },
  Unprepared: { claims: [1, ['UnpreparedEntry']] },
  UnpreparedEntry: { uid: [1, 'text'], result: [2, 'UnpreparedClaim'] },
  UnpreparedClaim: { error: [1, 'text'] },
} as const satisfies MessageTable;

export type Message<K extends keyof typeof MESSAGES> = Incoming<typeof MESSAGES, K>;

export const { encode, decode } = createCodec(MESSAGES);
