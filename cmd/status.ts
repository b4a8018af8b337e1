// `skiff status`: one screen of the server or agent of this machine. Exit code 1 when none runs.
import { delay, systemClock } from '../internal/base/clock.ts';
import { findSite, type Site } from './ownership/site.ts';
import { keptAlive, needRoot } from './ownership/taking-down.ts';
import { gaveHelp, PLACE_FLAGS, placeIn, readWords } from './ownership/words.ts';
import { UsageError } from './settings.ts';
import { formatStatus } from './status/format.ts';
import { gatherStatus } from './status/gather.ts';

const HELP = `Usage: skiff status [-o json] [--watch] [FLAGS]

Shows the server or agent of this machine: nodes, memory, what was written to disks since its start, certificates, warnings.

  -o json             as JSON
  --watch, -w         again every two seconds, until Ctrl-C
  --data-dir DIR      that of the server or agent, where it cannot be found out
  --config FILE       its configuration file
`;

const AGAIN_MS = 2000;
const CLEAR = '\x1b[H\x1b[2J';

export async function runStatus(argv: readonly string[]): Promise<number> {
  const { flags } = readWords('status', argv, ['o=', 'output=', 'watch', 'w', ...PLACE_FLAGS]);
  if (gaveHelp(flags, HELP)) return 0;
  const output = flags['o'] ?? flags['output'] ?? '';
  if (output !== '' && output !== 'json') throw new UsageError(`-o: ${JSON.stringify(output)} must be json`);
  needRoot();
  const find = (): Site => findSite(placeIn(flags), process.env);
  const json = output === 'json';
  if (flags['watch'] === undefined && flags['w'] === undefined) return show(find(), json);
  return keptAlive(async () => {
    for (;;) {
      if (!json && process.stdout.isTTY) process.stdout.write(CLEAR);
      await show(find(), json, true);
      await delay(systemClock, AGAIN_MS);
    }
  });
}

async function show(site: Site, json: boolean, oneLine = false): Promise<number> {
  const status = await gatherStatus(site, systemClock);
  if (json) process.stdout.write(`${JSON.stringify(status, undefined, oneLine ? undefined : 2)}\n`);
  else if (status.running) process.stdout.write(formatStatus(status, systemClock.now()));
  else process.stderr.write(`skiff: neither server nor agent runs on this machine (data folder ${status.dataDir})\n`);
  return status.running ? 0 : 1;
}
