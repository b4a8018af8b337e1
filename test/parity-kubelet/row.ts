// What a row of the table is: one request to a kubelet, and which part of its answer is compared.

/** `admin` has a client certificate, `anonymous` nothing; others are service accounts, named for what they may. */
export type Caller = 'admin' | 'anonymous' | 'bad-token' | 'none' | Grant;
export const GRANTS = ['proxy', 'stats', 'metrics', 'log', 'pods', 'healthz', 'configz', 'checkpoint', 'statusz'] as const;
export type Grant = (typeof GRANTS)[number];

export interface Row {
  name: string;
  method: string;
  /** `{ns}`: the namespace of the stage; `{uid}`: the uid of its pod `main`. */
  path: string;
  as?: Caller;
  headers?: Readonly<Record<string, string>>;
  body?: string;
  /**
   * `whole`: the body as it is but for names and times. `shape`: of JSON what there is, not how much. `metrics`: families with their types and
   * labels. `refusal`: the body only of what was refused. Default: whole.
   */
  part?: 'whole' | 'shape' | 'metrics' | 'refusal';
  /** The answer goes on without end: read until it has this text. */
  upTo?: string;
  /** A conversation over the connection that is upgraded to a WebSocket, instead of a plain request. */
  talk?: Talk;
}

export interface Talk {
  protocols: readonly string[];
  /** Sent in order, each when what it waits for has come. */
  says: readonly Saying[];
  /** The caller ends it when this has come; else the server does. */
  until?: string;
}

export interface Saying {
  /** Sent once this text has come on a channel. */
  after?: string;
  /** Channel, then bytes. */
  channel: number;
  text: string;
}

export interface Answer {
  status: number;
  headers: Record<string, string>;
  body: unknown;
}

type More = Omit<Row, 'name' | 'method' | 'path'>;

export function get(name: string, path: string, more: More = {}): Row {
  return { name, method: 'GET', path, ...more };
}

export function post(name: string, path: string, more: More = {}): Row {
  return { name, method: 'POST', path, ...more };
}
