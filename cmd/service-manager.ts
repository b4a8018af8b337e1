// Tells systemd that the server is ready, when systemd started it (sd_notify(3)). Node has no datagram Unix sockets, so systemd's own
// program sends the word; without NOTIFY_SOCKET nothing is done.
import { tryCommand } from '../internal/base/command.ts';

export async function notifyReady(env: Readonly<Record<string, string | undefined>>, status: string): Promise<void> {
  if (env['NOTIFY_SOCKET'] === undefined) return;
  await tryCommand('systemd-notify', ['--ready', `--status=${status}`]).catch(() => undefined); // no systemd-notify: nothing to tell
}
