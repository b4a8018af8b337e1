// What the process tells of itself to whoever started it: what it is doing, that it is ready, that it lives, that it stops.
//
//   systemd        sd_notify(3): datagrams to $NOTIFY_SOCKET, and every half of $WATCHDOG_USEC one that says that the event loop turns
//   any other      $SKIFF_STATUS_FILE: one line, "starting images", "ready Skiff … is ready at https://…"; install.sh reads it
//
// Without these variables nothing is done. Node has no datagram Unix sockets: the two calls are the C library's by node:ffi, loaded only under systemd.
import { rmSync } from 'node:fs';
import type { Clock } from '../internal/base/clock.ts';
import type { Component } from '../internal/base/component.ts';
import { writeFileAtomically } from '../internal/base/files.ts';

export interface ServiceManager {
  /** One line that says what is being done. */
  starting(what: string): void;
  /** Once; the watchdog is fed from here on. */
  ready(text: string): void;
  /** The end is asked for. It may take `forMs` from now: told again in time, it is not cut short. */
  stopping(what: string, forMs?: number): void;
}

type Environment = Record<string, string | undefined>;

/** Takes its variables out of the environment: runc and containers must not think that they are meant. */
export async function openServiceManager(env: Environment, clock: Clock): Promise<ServiceManager> {
  const socket = take(env, 'NOTIFY_SOCKET');
  const notify = socket === undefined ? () => undefined : (await import('./notify-socket.ts')).openNotifySocket(socket);
  const statusFile = take(env, 'SKIFF_STATUS_FILE');
  const watchdogMs = Number(take(env, 'WATCHDOG_USEC') ?? 0) / 1000;
  const watched = [undefined, String(process.pid)].includes(take(env, 'WATCHDOG_PID'));
  const write = (line: string): void => {
    if (statusFile !== undefined) writeFileAtomically(statusFile, `${line}\n`, { sync: false });
  };
  const feed = (): void => {
    notify('WATCHDOG=1');
    clock.setTimer(watchdogMs / 2, feed);
  };
  return {
    starting(what) {
      notify(`STATUS=starting ${what}`);
      write(`starting starting ${what}`);
    },
    ready(text) {
      notify(`READY=1\nSTATUS=${text}`);
      write(`ready ${text}`);
      if (watchdogMs > 0 && watched) feed();
    },
    stopping(what, forMs) {
      notify(`STOPPING=1\nSTATUS=${what}${forMs === undefined ? '' : `\nEXTEND_TIMEOUT_USEC=${String(Math.ceil(forMs * 1000))}`}`);
      if (statusFile !== undefined) rmSync(statusFile, { force: true });
    },
  };
}

/** Says which of them is being started. */
export function announced(components: readonly Component[], manager: ServiceManager): Component[] {
  return components.map((component) => ({
    name: component.name,
    start() {
      manager.starting(component.name);
      return component.start();
    },
    stop: () => component.stop(),
  }));
}

function take(env: Environment, name: string): string | undefined {
  const value = env[name];
  delete env[name];
  return value === '' ? undefined : value;
}
