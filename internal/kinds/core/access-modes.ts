// Access modes as rows show them.
const SHORT: readonly (readonly [mode: string, short: string])[] = [['ReadWriteOnce', 'RWO'], ['ReadOnlyMany', 'ROX'], ['ReadWriteMany', 'RWX'], ['ReadWriteOncePod', 'RWOP']];

export function accessModes(modes: readonly string[] = []): string {
  return SHORT.filter(([mode]) => modes.includes(mode)).map(([, short]) => short).join(',');
}
