// Comparing secrets in a time that tells nothing of them.
import { createHash, timingSafeEqual } from 'node:crypto';

export function sameText(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
