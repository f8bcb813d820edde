/** The working tree -> the text files that people wrote, each parsed at most once. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

export interface SourceFile {
  /** Relative to the repository, with forward slashes. */
  path: string;
  text: string;
}

const SKIPPED_DIRECTORIES = new Set(['node_modules', 'dist', '.git', '.starling', '.cache', 'coverage']);
const TEXT_FILE = /\.(ts|tsx|mts|cts|cjs|mjs|js|json|jsonc|md|ya?ml|sh|css|html|sql|service|proto)$|(^|\/)(\.ci\/run|LICENSE|\.gitignore)$/;
/** Written by programs: their shape is their generator's business. */
const GENERATED = /^(pnpm-lock\.yaml|docs\/protocol\/|fleet\/src\/artefacts\/onnx\/generated\/|fleet\/src\/db\/migrations\/)|\.gen\.ts$/;

/** Every hand-written text file below `root`. */
export function readSourceFiles(root: string): SourceFile[] {
  return listPaths(root, '').map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));
}

function listPaths(root: string, directory: string): string[] {
  return readdirSync(join(root, directory), { withFileTypes: true }).flatMap((entry) => {
    const path = directory === '' ? entry.name : `${directory}/${entry.name}`;
    if (entry.isDirectory()) return SKIPPED_DIRECTORIES.has(entry.name) ? [] : listPaths(root, path);
    return entry.isFile() && TEXT_FILE.test(path) && !GENERATED.test(path) ? [path] : [];
  });
}

export function isTypeScript(file: SourceFile): boolean {
  return /\.tsx?$/.test(file.path);
}

/** Tests, contract suites, and everything in e2e but the demo, which is part of the product. */
export function isTestCode(file: SourceFile): boolean {
  return /\.(test|contract)\.tsx?$/.test(file.path) || /^e2e\/(?!demo\/)/.test(file.path) || file.path === 'vitest.config.ts';
}

const parsed = new WeakMap<SourceFile, ts.SourceFile>();

export function syntaxOf(file: SourceFile): ts.SourceFile {
  const known = parsed.get(file);
  if (known !== undefined) return known;
  const syntax = ts.createSourceFile(file.path, file.text, ts.ScriptTarget.ESNext, true);
  parsed.set(file, syntax);
  return syntax;
}

/** Calls `visit` with every node of the file, parents first. */
export function walk(file: SourceFile, visit: (node: ts.Node) => void): void {
  const step = (node: ts.Node): void => {
    visit(node);
    ts.forEachChild(node, step);
  };
  step(syntaxOf(file));
}

/** The 1-based line on which a node starts, comments before it left out. */
export function lineOf(file: SourceFile, node: ts.Node): number {
  const syntax = syntaxOf(file);
  return syntax.getLineAndCharacterOfPosition(node.getStart(syntax)).line + 1;
}
