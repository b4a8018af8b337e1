// Which devices a container gets: those an init container of its pod has left, then what the plugin prefers among the free ones, then the others in the
// plugin's order. Devices' NUMA nodes are not looked at, as without a topology manager. Error texts are upstream's.

export interface Wish {
  resource: string;
  count: number;
  /** What the container has already, from an earlier attempt; undefined: nothing was given to it yet. */
  given: readonly string[] | undefined;
  /** Undefined: no plugin has the resource. */
  healthy: readonly string[] | undefined;
  inUse: ReadonlySet<string>;
  reusable: readonly string[];
  preferred?: (request: { available: readonly string[]; mustInclude: readonly string[]; size: number }) => Promise<readonly string[]>;
}

/** Empty: the container has what it needs. */
export async function chooseDevices(wish: Wish): Promise<string[]> {
  const { resource, count, healthy, inUse, reusable, preferred } = wish;
  if (healthy === undefined) throw new Error(`cannot allocate unregistered device ${resource}`);
  if (healthy.length === 0) throw new Error(`no healthy devices present; cannot allocate unhealthy devices ${resource}`);
  if (wish.given?.some((id) => !healthy.includes(id)) === true) throw new Error(`previously allocated devices are no longer healthy; cannot allocate unhealthy devices ${resource}`);
  if (wish.given !== undefined || count === 0) return [];
  const chosen = reusable.slice(0, count);
  if (chosen.length === count) return chosen;
  const available = healthy.filter((id) => !inUse.has(id));
  const needed = count - chosen.length;
  if (available.length < needed) throw new Error(`requested number of devices unavailable for ${resource}. Requested: ${String(needed)}, Available: ${String(available.length)}`);
  const favourites = preferred === undefined ? [] : await preferred({ available: [...available, ...chosen], mustInclude: chosen, size: count });
  return [...chosen, ...new Set([...favourites.filter((id) => available.includes(id)), ...available])].slice(0, count);
}
