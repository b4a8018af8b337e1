// The comments of @pulumi/kubernetes's type declarations: upstream's words with their line breaks, in namespaces `core.v1`, with `*/` written otherwise
// and notes of its own at the end of some.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Schemas } from '../../internal/api/schema.ts';
import type { Texts } from './words.ts';

export function pulumiWords(folder: string, schemas: Schemas): Texts {
  const found = readDeclarations(readFileSync(join(folder, 'types/output.d.ts'), 'utf8'));
  const texts = new Map<string, string>();
  for (const id of schemas.ids()) {
    const name = id.split('.').slice(-3).join('.');
    const own = found.get(name);
    if (own !== undefined) texts.set(id, own);
    for (const field of schemas.get(id)?.fields.keys() ?? []) {
      const text = found.get(`${name} ${field}`) ?? found.get(`${name} ${field.replace('$', '_')}`);
      if (text !== undefined) texts.set(`${id} ${field}`, text);
    }
  }
  return texts;
}

// `core.v1.Pod` and `core.v1.Pod spec`, by the comment before each interface and member.
function readDeclarations(source: string): Map<string, string> {
  const texts = new Map<string, string>();
  const spaces: string[] = [];
  let inside: string | undefined;
  let comment: string[] | undefined;
  let open = false;
  const say = (key: string): void => {
    if (comment !== undefined) texts.set(key, cleaned(comment.join('\n')));
  };
  for (const line of source.split('\n')) {
    const text = line.trim();
    if (open) {
      if (text === '*/') open = false;
      else comment?.push(line.replace(/^ *\* ?/, ''));
      continue;
    }
    if (text === '/**') {
      [open, comment] = [true, []];
      continue;
    }
    const space = /^(?:export )?(?:declare )?namespace (\w+) \{/.exec(text)?.[1];
    const type = /^(?:export )?interface (\w+) \{/.exec(text)?.[1];
    const member = /^"?([\w$-]+)"?\??:/.exec(text)?.[1];
    if (space !== undefined) spaces.push(space);
    else if (type !== undefined) say((inside = `${spaces.join('.')}.${type}`));
    else if (text === '}' && inside !== undefined) inside = undefined;
    else if (text === '}') spaces.pop();
    else if (inside !== undefined && member !== undefined) say(`${inside} ${member}`);
    comment = undefined;
  }
  return texts;
}

function cleaned(text: string): string {
  return text.replaceAll('&#47;', '/').replace(/\n\n(?:This resource waits until|This resource currently does not|## Note|\*\*Note: ?\*\*|Pulumi )[\s\S]*$/, '').trimEnd();
}
