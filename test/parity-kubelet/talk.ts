// A conversation over a WebSocket: what is said when, and all that came back, channel by channel; those on which only
// empty messages came (upstream sends one to tell that the stream stands) are left out.
import { WebSocket } from 'ws';
import type { IncomingMessage } from 'node:http';
import type { Talk } from './row.ts';

export interface TalkOptions {
  url: URL;
  headers: Record<string, string>;
  tls: { rejectUnauthorized: boolean; cert?: string; key?: string };
  talk: Talk;
  withinMs: number;
}

export interface Talked {
  status: number;
  headers: NodeJS.Dict<string | string[]>;
  text: string | object;
}

/** Ends when the server closes; refused upgrades are answers as others. */
export function talk({ url, headers, tls, talk: { protocols, says, until }, withinMs }: TalkOptions): Promise<Talked> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, [...protocols], { headers, ...tls, handshakeTimeout: withinMs });
    const timer = setTimeout(() => {
      socket.terminate();
      reject(new Error(`${url.pathname}: not closed within ${String(withinMs / 1000)} s; so far ${JSON.stringify(texts)}`));
    }, withinMs);
    const base64 = protocols[0]?.includes('base64') === true;
    const texts: Record<string, string> = {};
    let answered: IncomingMessage | undefined;
    let next = 0;
    const speak = (): void => {
      for (let saying = says[next]; saying !== undefined && heard(saying.after); saying = says[next]) {
        const bytes = Buffer.from(saying.text, 'latin1');
        socket.send(base64 ? `${String(saying.channel)}${bytes.toString('base64')}` : Buffer.concat([Buffer.from([saying.channel]), bytes]));
        next++;
      }
    };
    const heard = (text: string | undefined): boolean => text === undefined || Object.values(texts).some((all) => all.includes(text));
    socket.on('upgrade', (response) => { answered = response; });
    socket.on('open', speak);
    socket.on('message', (data: Buffer, isBinary) => {
      const [channel, bytes] = isBinary ? [String(data[0]), data.subarray(1)] : [data.toString()[0] ?? '', Buffer.from(data.toString().slice(1), 'base64')];
      texts[channel] = (texts[channel] ?? '') + bytes.toString();
      speak();
      if (until !== undefined && heard(until)) socket.close(1000);
    });
    socket.on('unexpected-response', (_request, response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => {
        clearTimeout(timer);
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text });
      });
    });
    socket.on('close', (code, reason) => {
      clearTimeout(timer);
      if (answered !== undefined) resolve({ status: 101, headers: answered.headers, text: { channels: Object.fromEntries(Object.entries(texts).filter(([, all]) => all !== '')), ...(until === undefined && { code, reason: reason.toString() }) } });
    });
    socket.on('error', (error) => { if (answered === undefined && !/Unexpected server response/.test(error.message)) reject(error); });
  });
}
