// How OpenAPI spells groups in the ids and tags of operations.

/** `rbac.authorization.k8s.io` → `RbacAuthorization` */
export function groupWord(group: string): string {
  return wordsOf(group).map(capital).join('');
}

/** `rbacAuthorization_v1`; without a version that of the group's own path. */
export function tagOf({ group, version }: { group: string; version?: string }): string {
  const name = wordsOf(group).map((word, index) => (index === 0 ? word : capital(word))).join('');
  return version === undefined ? name : `${name}_${version}`;
}

export function capital(word: string): string {
  return word.slice(0, 1).toUpperCase() + word.slice(1);
}

function wordsOf(group: string): string[] {
  return group === '' ? ['core'] : group.replace(/\.k8s\.io$/, '').split(/[^\p{L}\p{Nd}_]+/u);
}
