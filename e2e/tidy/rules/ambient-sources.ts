import ts from 'typescript';
import type { Finding, Rule } from '../rule.ts';
import { isTestCode, isTypeScript, lineOf, type SourceFile, walk } from '../source-file.ts';

const ADAPTER = /(^|\/)(clock|ids)\.ts$/;

/**
 * Time and chance enter through a clock and an id source, so that a test can replay a year in a second and any failure again.
 * The compiler does not catch these: `Date` and `Math` are part of the language.
 */
export const ambientSources: Rule = {
  name: 'ambient-sources',
  find: (files) => files.filter((file) => isTypeScript(file) && !isTestCode(file) && !ADAPTER.test(file.path)).flatMap(ambientReads),
};

function ambientReads(file: SourceFile): Finding[] {
  const findings: Finding[] = [];
  walk(file, (node) => {
    const source = ambientSource(node);
    if (source === undefined) return;
    findings.push({
      path: file.path,
      line: lineOf(file, node),
      message: `${source} outside clock.ts and ids.ts: take a clock or an id source`,
    });
  });
  return findings;
}

function ambientSource(node: ts.Node): string | undefined {
  if (ts.isPropertyAccessExpression(node)) {
    const text = `${node.expression.getText()}.${node.name.text}`;
    if (/^(globalThis\.)?(Date\.now|Math\.random)$/.test(text)) return text;
    if (node.name.text === 'randomUUID') return 'randomUUID';
  }
  if (ts.isImportSpecifier(node) && (node.propertyName ?? node.name).text === 'randomUUID') return 'randomUUID';
  if (ts.isNewExpression(node) && node.expression.getText() === 'Date' && (node.arguments?.length ?? 0) === 0) return 'new Date()';
  if (ts.isCallExpression(node) && node.expression.getText() === 'Date') return 'Date()';
  return undefined;
}
