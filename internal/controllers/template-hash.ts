// Names of generations: a short word that depends on a template's content and on nothing else, so that the same template always finds
// its ReplicaSet or ControllerRevision again, also after a restart or on another server.

const ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';

/** FNV-1a over the canonical JSON (sorted keys), written in the alphabet of generated names. `collisions` gives the next candidate. */
export function templateHash(value: unknown, collisions = 0): string {
  let hash = 0x811c9dc5;
  const text = canonicalJson(value) + (collisions > 0 ? `#${String(collisions)}` : '');
  for (let index = 0; index < text.length; index++) {
    hash ^= text.charCodeAt(index);
    hash = Math.imul(hash, 0x01000193) >>> 0;
  }
  return String(hash).replaceAll(/\d/g, (digit) => ALPHABET.charAt(digit.charCodeAt(0) % ALPHABET.length));
}

/** JSON with sorted keys and without empty members. */
function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, member: unknown) => {
    if (typeof member !== 'object' || member === null || Array.isArray(member)) return member;
    return Object.fromEntries(Object.entries(member).sort(([left], [right]) => (left < right ? -1 : 1)));
  });
}
