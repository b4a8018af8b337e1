// The token with which nodes join: `K10<sha256 of the CA>::<user>:<password>`, or the short password alone; for a bootstrap token
// `K10<sha256 of the CA>::<id>.<secret>`, or `<id>.<secret>`. The long forms let a joining node check the server's CA before it says its secret.
import { join } from 'node:path';
import { readFileIfThere, writeFileAtomically } from '../base/files.ts';
import type { Random } from '../base/random.ts';

export interface JoinToken {
  /** Absent in the short form. */
  caPin?: string;
  user: string;
  password: string;
}

export function formatJoinToken({ caPin = '', user, password }: JoinToken): string {
  return `K10${caPin}::${user}:${password}`;
}

export function parseJoinToken(text: string): JoinToken {
  const [, caPin = '', user = 'node', password = ''] = /^K10([0-9a-f]{64})::(?:([^:]+):)?(.+)$/.exec(text) ?? [];
  if (caPin !== '') return { caPin, user, password };
  if (text.startsWith('K10')) throw new Error(`--token: ${JSON.stringify(`${text.slice(0, 12)}…`)} is cut off or mistyped: it must be K10, the 64 hex digits of the CA's hash, "::" and the secret, all in one`);
  return { user: 'server', password: text };
}

/** The password of the server's token as it is now, so that a rotated one holds at once. */
export function readJoinPassword(serverDir: string): string | undefined {
  const text = readFileIfThere(join(serverDir, 'node-token'))?.trim();
  return text === undefined || text === '' ? undefined : parseJoinToken(text).password;
}

/** The server's token: the given one, else that of an earlier start, else a new one; kept in `<serverDir>/node-token` in the long form. */
export function openJoinToken(serverDir: string, given: string | undefined, caPin: string, random: Random): JoinToken {
  const path = join(serverDir, 'node-token');
  const kept = readFileIfThere(path)?.trim();
  const password = given !== undefined ? parseJoinToken(given).password : kept !== undefined && kept !== '' ? parseJoinToken(kept).password : random.bytes(16).toString('hex');
  const token: JoinToken = { caPin, user: 'server', password };
  const text = `${formatJoinToken(token)}\n`;
  if (`${kept ?? ''}\n` !== text) writeFileAtomically(path, text, { mode: 0o600 });
  return token;
}
