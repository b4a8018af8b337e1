// A program in a real terminal (pty), typed to and read as a person would.
import { spawn } from '@lydell/node-pty';

export interface Session {
  type(text: string): void;
  /** Waits until the screen's new output, since the last match, matches. */
  seen(pattern: RegExp): Promise<void>;
  resize(rows: number, columns: number): Promise<void>;
}

/** Runs it in 24×80, lets `drive` use it, and waits for its end. */
export async function runInTerminal([file = '', ...args]: readonly string[], env: Record<string, string>, drive: (session: Session) => Promise<void>): Promise<{ code: number; output: string }> {
  const terminal = spawn(file, args, { rows: 24, cols: 80, env: { ...process.env, ...env, TERM: 'xterm' } });
  let output = '';
  let from = 0;
  let onOutput = (): void => {};
  terminal.onData((data) => {
    output += data;
    onOutput();
  });
  const ended = new Promise<number>((resolve) => terminal.onExit(({ exitCode }) => resolve(exitCode)));
  const session: Session = {
    type: (text) => terminal.write(text),
    seen: (pattern) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`${String(pattern)} was not seen in 60 s in: ${output.slice(from)}`)), 60_000);
        onOutput = () => {
          const match = pattern.exec(output.slice(from));
          if (match === null) return;
          from += match.index + match[0].length;
          clearTimeout(timer);
          onOutput = () => {};
          resolve();
        };
        onOutput();
      }),
    resize: async (rows, columns) => {
      terminal.resize(columns, rows);
      await session.seen(/(?:)/);
    },
  };
  try {
    await drive(session);
    return { code: await ended, output };
  } catch (error) {
    terminal.kill();
    throw error;
  }
}
