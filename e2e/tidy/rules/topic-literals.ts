import ts from 'typescript';
import type { Finding, Rule } from '../rule.ts';
import { isTestCode, isTypeScript, lineOf, type SourceFile, walk } from '../source-file.ts';

/** Topics are built and parsed from the wire table alone, so that broker rules, documents and code cannot drift apart. */
export const topicLiterals: Rule = {
  name: 'topic-literals',
  find: (files) =>
    files.filter((file) => isTypeScript(file) && !isTestCode(file) && !file.path.startsWith('shared/src/wire/')).flatMap(spelledTopics),
};

function spelledTopics(file: SourceFile): Finding[] {
  const findings: Finding[] = [];
  walk(file, (node) => {
    if (!isTopic(node)) return;
    findings.push({
      path: file.path,
      line: lineOf(file, node),
      message: 'a topic is spelled here: build it with shared/src/wire/topics.ts',
    });
  });
  return findings;
}

function isTopic(node: ts.Node): boolean {
  if (ts.isTemplateExpression(node)) {
    // `d/${device}/hello`, `${root}/d/${device}/hello`
    const pieces = [node.head.text, ...node.templateSpans.map((span) => span.literal.text)];
    return pieces.slice(0, -1).some((piece, index) => (index === 0 ? /(^|\/)d\/$/ : /\/d\/$/).test(piece));
  }
  if (!ts.isStringLiteralLike(node) && !ts.isTemplateHead(node)) return false;
  return node.text.includes('starling/v1') || /(^|\/)d\/(\+|#|\{)/.test(node.text);
}
