import ts from 'typescript';
import type { Finding, Rule } from '../rule.ts';
import { isTestCode, isTypeScript, lineOf, type SourceFile, walk } from '../source-file.ts';

const BUILT_IN = /^(Error|TypeError|RangeError|SyntaxError|AggregateError)$/;

/** Errors are data: a code that programs branch on, a field and a hint that people act on. Built-in errors have none of them. */
export const bareErrors: Rule = {
  name: 'bare-errors',
  find: (files) => files.filter((file) => isTypeScript(file) && !isTestCode(file)).flatMap(builtInErrors),
};

function builtInErrors(file: SourceFile): Finding[] {
  const findings: Finding[] = [];
  walk(file, (node) => {
    if (!ts.isNewExpression(node) && !ts.isCallExpression(node)) return;
    if (!ts.isIdentifier(node.expression) || !BUILT_IN.test(node.expression.text)) return;
    const message = `${node.expression.text} carries no code: throw a StarlingError with a code and a hint`;
    findings.push({ path: file.path, line: lineOf(file, node), message });
  });
  return findings;
}
