// Which AppArmor profile a container's process gets: the one it names, if the machine has that; ours where it asks for the default; none where it is
// privileged, or wants none. One that says nothing has none either (containerd would give it the default).
import { DEFAULT_PROFILE, findParser, isAppArmorEnabled, isLoaded, loadDefaultProfile } from '../../apparmor.ts';
import { messageOf } from '../../../internal/base/errors.ts';
import type { SecurityConfig } from '../runtime.ts';

/** By the program that compiled it: loaded once in the life of this process, so that a new version of it is the one that holds. */
let loading: Promise<void> | undefined;

export async function apparmorProfileOf({ privileged, apparmor }: Pick<SecurityConfig, 'privileged' | 'apparmor'>): Promise<string | undefined> {
  if (apparmor === undefined || apparmor.type === 'Unconfined') return undefined;
  if (apparmor.type === 'Localhost') return named(apparmor.profile ?? '');
  if (privileged) return undefined;
  await ensureDefault().catch((error: unknown) => { throw new Error(`apparmor profile ${DEFAULT_PROFILE} cannot be loaded: ${messageOf(error)}`, { cause: error }); });
  return DEFAULT_PROFILE;
}

function named(profile: string): string {
  const name = profile.replace(/^localhost\//, '');
  if (!isAppArmorEnabled()) throw new Error('apparmor is not supported');
  if (!isLoaded(name)) throw new Error(`apparmor profile not found ${name}`);
  return name;
}

async function ensureDefault(): Promise<void> {
  if (!isAppArmorEnabled()) throw new Error('apparmor is not supported');
  const parser = findParser();
  if (parser === undefined) throw new Error('apparmor_parser is not on this node');
  if (loading !== undefined && !isLoaded(DEFAULT_PROFILE)) loading = undefined; // taken away since
  await (loading ??= loadDefaultProfile(parser).catch((error: unknown) => {
    loading = undefined;
    throw error;
  }));
}
