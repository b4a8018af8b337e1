// The tag an image reference names: what decides the default pull policy (upstream: pkg/util/parsers).

const REFERENCE = /^[A-Za-z0-9][\w.-]*(?::[0-9]+)?(?:\/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*(?::[\w][\w.-]{0,127})?(?:@[A-Za-z][\w.+-]*:[0-9a-fA-F]{32,})?$/;

/** '' for what is no reference at all; `latest` when neither tag nor digest is given; '' for a digest alone. */
export function imageTag(image: string): string {
  if (!REFERENCE.test(image)) return '';
  const [name = '', digest] = image.split('@', 2);
  const colon = name.indexOf(':', name.lastIndexOf('/') + 1);
  if (colon >= 0) return name.slice(colon + 1);
  return digest === undefined ? 'latest' : '';
}
