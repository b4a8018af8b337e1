// Plugins that register by a socket: real sockets, real gRPC, a handler that takes notes.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { systemClock } from '../../../internal/base/clock.ts';
import { silentLog } from '../../../internal/base/log.ts';
import { createCodec, type MessageTable } from '../../../agents/grpc/messages.ts';
import { createGrpcServer, type GrpcServer } from '../../../agents/grpc/server.ts';
import { createPluginWatcher, type PluginHandler, type PluginInfo } from '../../../agents/kubelet/plugins/registration.ts';

const MESSAGES = { Info: { type: [1, 'text'], name: [2, 'text'], endpoint: [3, 'text'], versions: [4, ['text']] }, Status: { registered: [1, 'boolean'], error: [2, 'text'] } } as const satisfies MessageTable;
const codec = createCodec(MESSAGES);

interface Scene {
  folder: string;
  /** What was asked of the handler, and what plugins were told, in order. */
  notes: string[];
  reached(count: number): Promise<void>;
  plugin(socket: string, info: { type: string; name: string; endpoint?: string }): Promise<GrpcServer>;
}

async function scene(t: Test, handler: Partial<PluginHandler> = {}, before: (scene: Scene) => Promise<void> = () => Promise.resolve()): Promise<Scene> {
  const folder = join(mkdtempSync(join(tmpdir(), 'skiff-plugins-')), 'plugins_registry');
  mkdirSync(folder);
  const notes: string[] = [];
  let noted = Promise.withResolvers<undefined>();
  const note = (what: string): void => {
    notes.push(what);
    noted.resolve(undefined);
    noted = Promise.withResolvers();
  };
  const plugins = new Set<GrpcServer>();
  const noting = (verb: 'validate' | 'register' | 'deregister') => async (info: PluginInfo): Promise<void> => {
    note(`${verb} ${info.name} ${info.endpoint.replace(folder, '')} ${info.versions.join()}`);
    await handler[verb]?.(info);
  };
  const made: Scene = {
    folder, notes,
    async reached(count) {
      while (notes.length < count) await noted.promise;
    },
    async plugin(socket, info) {
      const server = createGrpcServer(join(folder, socket), {
        '/pluginregistration.Registration/GetInfo': () => Promise.resolve(codec.encode('Info', { versions: ['1.0'], ...info })),
        '/pluginregistration.Registration/NotifyRegistrationStatus'(bytes) {
          const { registered, error } = codec.decode('Status', bytes);
          note(`told ${String(registered)} ${error.replace(folder, '')}`);
          return Promise.resolve(new Uint8Array());
        },
      });
      await server.start();
      plugins.add(server);
      return server;
    },
  };
  await before(made);
  const watcher = createPluginWatcher({ directory: folder, handlers: new Map([['CSIPlugin', { validate: noting('validate'), register: noting('register'), deregister: noting('deregister') }]]), clock: systemClock, log: silentLog });
  await watcher.start();
  t.teardown(async () => {
    await watcher.stop();
    await Promise.all([...plugins].map((server) => server.stop()));
    rmSync(join(folder, '..'), { recursive: true });
  });
  return made;
}

t.test('a socket that was there, one that comes, one in a folder that comes: all are registered, and deregistered when they go', async (t) => {
  const { plugin, reached, notes, folder } = await scene(t, {}, async ({ plugin }) => void await plugin('first.sock', { type: 'CSIPlugin', name: 'first' }));
  await reached(3);
  t.same(notes.splice(0), ['validate first /first.sock 1.0', 'register first /first.sock 1.0', 'told true ']);
  const second = await plugin('second.sock', { type: 'CSIPlugin', name: 'second', endpoint: '/elsewhere.sock' });
  await reached(3);
  t.same(notes.splice(0), ['validate second /elsewhere.sock 1.0', 'register second /elsewhere.sock 1.0', 'told true ']);
  await second.stop();
  await reached(1);
  t.same(notes.splice(0), ['deregister second /elsewhere.sock 1.0']);
  mkdirSync(join(folder, 'below'));
  await plugin('below/third.sock', { type: 'CSIPlugin', name: 'third' });
  await reached(3);
  t.same(notes.splice(0), ['validate third /below/third.sock 1.0', 'register third /below/third.sock 1.0', 'told true ']);
  rmSync(join(folder, 'below'), { recursive: true });
  await reached(1);
  t.same(notes, ['deregister third /below/third.sock 1.0']);
});

t.test('a plugin that starts anew under its old name is deregistered and registered', async (t) => {
  const { plugin, reached, notes } = await scene(t);
  const before = await plugin('a.sock', { type: 'CSIPlugin', name: 'a' });
  await reached(3);
  notes.splice(0);
  await Promise.all([before.stop(), plugin('a.sock', { type: 'CSIPlugin', name: 'b' })]);
  await reached(4);
  t.same(notes, ['deregister a /a.sock 1.0', 'validate b /a.sock 1.0', 'register b /a.sock 1.0', 'told true ']);
});

t.test('what a handler refuses is told, and tried again; so is a plugin of a type that nobody handles', async (t) => {
  let refusals = 1;
  const { plugin, reached, notes } = await scene(t, { register: () => (refusals-- > 0 ? Promise.reject(new Error('not yet')) : Promise.resolve()) });
  await plugin('late.sock', { type: 'CSIPlugin', name: 'late' });
  await reached(6);
  t.same(notes.splice(0), ['validate late /late.sock 1.0', 'register late /late.sock 1.0', 'told false RegisterPlugin error -- plugin registration failed with err: not yet', 'validate late /late.sock 1.0', 'register late /late.sock 1.0', 'told true ']);
  const strange = await plugin('strange.sock', { type: 'Toaster', name: 'strange' });
  await reached(1);
  t.same(notes, ['told false RegisterPlugin error -- no handler registered for plugin type: Toaster at socket /strange.sock']);
  await strange.stop();
});
