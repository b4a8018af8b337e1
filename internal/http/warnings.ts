// Warnings as headers, by upstream's rules: each text once; none that a header cannot hold; all whole while they are short together, else each
// cut short until their sum is reached.
const TOTAL_MAX = 4 * 1024;
const ONE_MAX = 256;

export function warningHeaders(warnings: readonly string[]): string[] {
  const texts = [...new Set(warnings)].filter((text) => text !== '' && text.isWellFormed() && !/\p{Cc}/u.test(text));
  if (texts.reduce((sum, text) => sum + Array.from(text).length, 0) <= TOTAL_MAX) return texts.map(header);
  const cut: string[] = [];
  for (let written = 0, at = 0; at < texts.length && written < TOTAL_MAX; at++) {
    const runes = Array.from(texts[at] ?? '').slice(0, ONE_MAX);
    written += runes.length;
    cut.push(header(runes.join('')));
  }
  return cut;
}

// UTF-8, of which Node writes a letter per byte.
function header(text: string): string {
  return Buffer.from(`299 - "${text.replaceAll(/["\\]/g, (letter) => `\\${letter}`)}"`).toString('latin1');
}
