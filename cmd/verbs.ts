// The one list of verbs. Each is loaded when it is called, so that a short command does not pay for the server's code.
import { FLAGS, type Flag } from './flags.ts';
import { KUBERNETES_VERSION, SKIFF_VERSION_TEXT } from './version.ts';

/** Runs a verb with the words after it; gives the exit code. */
export type Run = (argv: readonly string[]) => Promise<number>;

export interface Verb {
  name: string;
  summary: string;
  /** Left out of the help text. */
  hidden?: boolean;
  load(): Promise<Run>;
}

export const VERBS: readonly Verb[] = [
  { name: 'server', summary: 'control plane, and a node unless --disable-agent', load: async () => withHelp('server', (await import('./server.ts')).runServer) },
  { name: 'agent', summary: 'a node: joins the server at --server with --token', load: async () => withHelp('agent', (await import('./agent.ts')).runAgent) },
  { name: 'token', summary: 'what machines join with: create, list, delete, rotate', load: async () => (await import('./token.ts')).runToken },
  { name: 'status', summary: 'one screen: nodes, memory, writes, certificates, warnings', load: async () => (await import('./status.ts')).runStatus },
  { name: 'stop', summary: 'stop the server or agent; with --pods its pods too', load: async () => (await import('./stop.ts')).runStop },
  { name: 'uninstall', summary: 'take Skiff off this machine, as if it had never been there', load: async () => (await import('./uninstall.ts')).runUninstall },
  { name: 'check', summary: 'whether this machine is fit: kernel, cgroups, ports, clashes; each failure with its fix', load: async () => (await import('./check.ts')).runCheck },
  { name: 'unpack', hidden: true, summary: 'the programs that the executable carries, below a data folder', load: async () => (await import('./programs/carried.ts')).runUnpack },
  { name: 'cni', hidden: true, summary: 'the CNI plugin by which a CRI runtime asks the node for a pod\'s network', load: async () => (await import('./cni.ts')).runCni },
  { name: '--version', summary: 'versions of Skiff and of the Kubernetes it serves', load: () => Promise.resolve(printVersion) },
];

export function helpText(): string {
  const shown = VERBS.filter(({ hidden }) => hidden !== true);
  return `Skiff ${SKIFF_VERSION_TEXT}: a Kubernetes ${KUBERNETES_VERSION} cluster in one executable\n\nUsage: skiff VERB [FLAGS]\n\n${columns(shown.map(({ name, summary }) => [name, summary]))}\nskiff VERB --help tells the flags of a verb.\n`;
}

function withHelp(verb: 'server' | 'agent', run: Run): Run {
  return (argv) => {
    if (!argv.includes('--help') && !argv.includes('-h')) return run(argv);
    const flags = (FLAGS as readonly Flag[]).filter(({ verbs }) => verbs.includes(verb));
    process.stdout.write(`Usage: skiff ${verb} [FLAGS]\n\n${columns(flags.map((flag) => [`--${flag.name}`, describe(flag)]))}`);
    return Promise.resolve(0);
  };
}

function describe(flag: Flag): string {
  const fallback = flag.default === undefined || flag.default === '' || String(flag.default) === '' ? '' : ` (default ${String(flag.default)})`;
  return `${flag.help}${fallback}${flag.env === undefined ? '' : ` [$${flag.env}]`}`;
}

function columns(rows: [string, string][]): string {
  const width = Math.max(...rows.map(([left]) => left.length)) + 2;
  return rows.map(([left, right]) => `  ${left.padEnd(width)}${right}\n`).join('');
}

function printVersion(): Promise<number> {
  process.stdout.write(`skiff ${SKIFF_VERSION_TEXT} (Kubernetes ${KUBERNETES_VERSION}, Node ${process.version})\n`);
  return Promise.resolve(0);
}
