// The house rules that a machine can check: layers, sizes, names, and the seams to time, chance and environment. See ARCHITECTURE.md.
import { readFileSync, readdirSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { basename, dirname, join, relative } from 'node:path';
import { parse, type Node } from 'acorn';
import { ancestor } from 'acorn-walk';
import t from 'tap';

const ROOT = join(import.meta.dirname, '../..');
const FILE_LINES_MAX = 400;
const FUNCTION_LINES_MAX = 60;
const CHAINS = [
  [['base'], ['api'], ['cel'], ['kinds'], ['store'], ['watch'], ['registry'], ['authn', 'authz'], ['admission'], ['http']],
  [['base'], ['api'], ['cel'], ['kinds'], ['client'], ['informer'], ['controllers', 'scheduler', 'cluster', 'agents']],
];
const BANNED_NAMES = /^(util|utils|helper|helpers|common|manager|impl|types|misc)\.ts$/;

interface Source {
  path: string;
  text: string;
  ast: Node;
}

const sources: Source[] = ['cmd', 'internal', 'agents', 'build']
  .flatMap((folder) => readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).map((file) => join(folder, file)))
  .filter((path) => path.endsWith('.ts') && !path.includes('generated'))
  .map((path) => {
    const text = readFileSync(join(ROOT, path), 'utf8');
    return { path, text, ast: parse(stripTypeScriptTypes(text), { ecmaVersion: 'latest', sourceType: 'module', locations: true }) };
  });

t.test('a folder imports only what stands before it', (t) => {
  for (const { path, text } of sources) {
    for (const imported of importsOf(text)) {
      if (!imported.startsWith('.')) continue;
      const target = relative(ROOT, join(ROOT, dirname(path), imported));
      const problem = layerProblem(path, target);
      if (problem !== undefined) t.fail(`${path} imports ${target}: ${problem}`);
    }
  }
  t.ok(sources.length > 20, 'there are sources to look at');
  t.end();
});

t.test('no file imports itself by way of others', (t) => {
  const imports = new Map(sources.map(({ path, text }) => [path, staticImportsOf(text).filter((imported) => imported.startsWith('.')).map((imported) => join(dirname(path), imported))]));
  const done = new Set<string>();
  const visit = (path: string, road: readonly string[]): void => {
    if (done.has(path)) return;
    if (road.includes(path)) return void t.fail([...road.slice(road.indexOf(path)), path].join(' → '));
    for (const imported of imports.get(path) ?? []) visit(imported, [...road, path]);
    done.add(path);
  };
  for (const path of imports.keys()) visit(path, []);
  t.ok(done.size > 20, 'imports were followed');
  t.end();
});

t.test(`files have at most ${String(FILE_LINES_MAX)} lines, functions at most ${String(FUNCTION_LINES_MAX)}`, (t) => {
  for (const { path, text, ast } of sources) {
    const lines = text.split('\n').length;
    if (lines > FILE_LINES_MAX) t.fail(`${path} has ${String(lines)} lines`);
    ancestor(ast, { Function: (node) => {
      const { start, end } = (node as unknown as { loc: { start: { line: number }; end: { line: number } } }).loc;
      // A function that only holds others (a closure with its state) is measured by what it holds.
      const own = end.line - start.line + 1 - innerFunctionLines(node);
      if (own > FUNCTION_LINES_MAX) t.fail(`${path}:${String(start.line)} has a function of ${String(own)} lines of its own`);
    } });
  }
  t.pass('sizes were measured');
  t.end();
});

t.test('time, chance and environment come in through internal/base and cmd only', (t) => {
  for (const { path, ast } of sources) {
    if (/^(internal\/base|cmd|build)\//.test(path)) continue;
    ancestor(ast, {
      CallExpression: (node) => { if (isBannedCall(calleeOf(node.callee))) t.fail(`${path}: calls ${calleeOf(node.callee)}`); },
      NewExpression: (node) => { if (calleeOf(node.callee) === 'Date' && node.arguments.length === 0) t.fail(`${path}: new Date() reads the clock`); },
      MemberExpression: (node) => { if (calleeOf(node) === 'process.env') t.fail(`${path}: reads process.env`); },
    });
  }
  t.pass('calls were looked at');
  t.end();
});

t.test('files are kebab-case nouns, and say at their top what they are for', (t) => {
  for (const { path, text } of sources) {
    t.match(basename(path), /^[a-z0-9]+(-[a-z0-9]+)*\.ts$/, path);
    t.notMatch(basename(path), BANNED_NAMES, path);
    t.match(text, /^(\/\/|\/\*\*)/, `${path} opens with its contract`);
    t.notMatch(text, /: any\b|<any>|as any\b/, `${path} has no any`);
  }
  t.end();
});

function layerOf(path: string): string {
  const [top = '', second = ''] = path.split('/');
  return top === 'internal' ? second : top;
}

function layerProblem(from: string, to: string): string | undefined {
  const [source, target] = [layerOf(from), layerOf(to)];
  if (source === target || source === 'cmd' || source === 'build' || source === 'test') return undefined;
  const allowed = CHAINS.some((chain) => {
    const at = (layer: string): number => chain.findIndex((step) => step.includes(layer));
    return at(source) >= 0 && at(target) >= 0 && at(target) < at(source);
  });
  return allowed ? undefined : `${source} may not import ${target}`;
}

function importsOf(text: string): string[] {
  return [...staticImportsOf(text), ...[...text.matchAll(/\bimport\('([^']+)'\)/g)].map(([, dynamic = '']) => dynamic)];
}

// From the text, not the tree: imports of types count as well.
function staticImportsOf(text: string): string[] {
  return [...text.matchAll(/^(?:import|export)\b[^;]*?\bfrom '([^']+)'/gm)].map(([, from = '']) => from);
}

function innerFunctionLines(node: Node): number {
  let lines = 0;
  ancestor(node, { Function: (inner, _state, ancestors) => {
    if (inner === node) return;
    const outer = ancestors.slice(0, -1).filter((candidate) => /Function/.test(candidate.type) && candidate !== node);
    if (outer.length > 0) return;
    const { start, end } = (inner as unknown as { loc: { start: { line: number }; end: { line: number } } }).loc;
    if (end.line > start.line) lines += end.line - start.line + 1;
  } });
  return lines;
}

function calleeOf(node: Node): string {
  const any = node as unknown as { type: string; name?: string; object?: Node; property?: Node; computed?: boolean };
  if (any.type === 'Identifier') return any.name ?? '';
  if (any.type === 'MemberExpression' && any.object !== undefined && any.property !== undefined && any.computed !== true) return `${calleeOf(any.object)}.${calleeOf(any.property)}`;
  return '';
}

function isBannedCall(name: string): boolean {
  return ['setTimeout', 'setInterval', 'setImmediate', 'Date.now', 'performance.now', 'Math.random', 'randomUUID', 'crypto.randomUUID'].includes(name);
}
