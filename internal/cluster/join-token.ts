// The token with which nodes join: `K10<sha256 of the CA>::<user>:<password>`, or the short password alone. The long form lets a joining node
// check the server's CA before it says its secret.
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
  const long = /^K10([0-9a-f]{64})::([^:]+):(.+)$/.exec(text);
  if (long === null) return { user: 'server', password: text };
  const [, caPin = '', user = '', password = ''] = long;
  return { caPin, user, password };
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
