import ts from 'typescript';
import type { Finding, Rule } from '../rule.ts';
import { isTypeScript, lineOf, type SourceFile, syntaxOf, walk } from '../source-file.ts';

export const FUNCTION_LINES_MAXIMUM = 70;

/**
 * A function fits on a screen. Lines of named functions inside it count for them, not for it: a factory that returns its methods
 * is a class in other clothes, and each method is measured by itself. Suites of tests are left out: `describe` is a list, not a
 * function that one has to hold in mind.
 */
export const functionLength: Rule = {
  name: 'function-length',
  find: (files) => files.filter((file) => isTypeScript(file) && !/\.(test|contract)\.tsx?$/.test(file.path)).flatMap(longFunctions),
};

function longFunctions(file: SourceFile): Finding[] {
  const findings: Finding[] = [];
  walk(file, (node) => {
    if (!isFunctionWithBody(node)) return;
    const size = ownLines(file, node);
    if (size <= FUNCTION_LINES_MAXIMUM) return;
    const message = `${nameOf(node) ?? 'a function without a name'} has ${size} lines of its own; ${FUNCTION_LINES_MAXIMUM} is the most: name its parts`;
    findings.push({ path: file.path, line: lineOf(file, node), size, message });
  });
  return findings;
}

function ownLines(file: SourceFile, node: ts.Node): number {
  let inner = 0;
  const step = (child: ts.Node): void => {
    // A function of one line shares it with the code around it.
    if (isFunctionWithBody(child) && nameOf(child) !== undefined) inner += Math.max(0, linesOf(file, child) - 1);
    else ts.forEachChild(child, step);
  };
  ts.forEachChild(node, step);
  return linesOf(file, node) - inner;
}

function linesOf(file: SourceFile, node: ts.Node): number {
  const syntax = syntaxOf(file);
  return syntax.getLineAndCharacterOfPosition(node.end).line - syntax.getLineAndCharacterOfPosition(node.getStart(syntax)).line + 1;
}

function isFunctionWithBody(node: ts.Node): node is ts.FunctionLikeDeclaration {
  return ts.isFunctionLike(node) && 'body' in node && node.body !== undefined;
}

function nameOf(node: ts.FunctionLikeDeclaration): string | undefined {
  if (ts.isConstructorDeclaration(node)) return 'constructor';
  if (node.name !== undefined) return node.name.getText();
  const parent = node.parent;
  return ts.isVariableDeclaration(parent) || ts.isPropertyAssignment(parent) ? parent.name.getText() : undefined;
}
