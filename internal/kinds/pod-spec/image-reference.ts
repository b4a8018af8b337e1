// The tag an image reference names: what decides the default pull policy (upstream: pkg/util/parsers).

/** `latest` when neither tag nor digest is given; '' for a digest alone. */
export function imageTag(image: string): string {
  const [name = '', digest] = image.split('@', 2);
  const colon = name.indexOf(':', name.lastIndexOf('/') + 1);
  if (colon >= 0) return name.slice(colon + 1);
  return digest === undefined ? 'latest' : '';
}
