// The executable: argv → verb. Exit codes: 0 done; 1 failed, with one clear line on stderr; 2 wrong usage.
import './v8-flags.ts';
import { basename } from 'node:path';
import { VERBS, helpText } from './verbs.ts';
import { UsageError } from './settings.ts';
import { messageOf } from '../internal/base/errors.ts';

// What a failed start left open (sockets, the database's thread) must not keep the process: its supervisor waits for the end.
void main(process.argv.slice(2)).then((code) => process.exit(code));

async function main(argv: readonly string[]): Promise<number> {
  // As `kubectl` (a symlink), the executable is its built-in client.
  const [word = '--help', ...rest] = basename(process.argv[1] ?? '') === 'kubectl' ? ['kubectl', ...argv] : argv;
  if (word === '--help' || word === '-h' || word === 'help') {
    process.stdout.write(helpText());
    return 0;
  }
  const verb = VERBS.find(({ name }) => name === word);
  try {
    if (verb === undefined) throw new UsageError(`unknown command ${JSON.stringify(word)}; see skiff --help`);
    return await (await verb.load())(rest);
  } catch (error) {
    process.stderr.write(`skiff: ${messageOf(error)}\n`);
    if (process.env['SKIFF_TRACE'] !== undefined && error instanceof Error) process.stderr.write(`${error.stack ?? ''}\n`);
    return error instanceof UsageError ? 2 : 1;
  }
}
