import ts from 'typescript';
import type { Finding, Rule } from '../rule.ts';
import { isTestCode, isTypeScript, lineOf, type SourceFile, walk } from '../source-file.ts';

/** Configuration enters at one place, where a schema checks it and `--help` lists it. */
export const environment: Rule = {
  name: 'environment',
  find: (files) =>
    files.filter((file) => isTypeScript(file) && !isTestCode(file) && !/(^|[/.])config\.ts$/.test(file.path)).flatMap(environmentReads),
};

function environmentReads(file: SourceFile): Finding[] {
  const findings: Finding[] = [];
  walk(file, (node) => {
    if (isProcessEnvironment(node) || isImportedEnvironment(node)) {
      findings.push({
        path: file.path,
        line: lineOf(file, node),
        message: 'process.env is read in config.ts only: take a setting instead',
      });
    }
  });
  return findings;
}

function isProcessEnvironment(node: ts.Node): boolean {
  return ts.isPropertyAccessExpression(node) && node.name.text === 'env' && /^(globalThis\.)?process$/.test(node.expression.getText());
}

function isImportedEnvironment(node: ts.Node): boolean {
  if (!ts.isImportSpecifier(node) || (node.propertyName ?? node.name).text !== 'env') return false;
  const from = node.parent.parent.parent.moduleSpecifier;
  return ts.isStringLiteral(from) && /^(node:)?process$/.test(from.text);
}
