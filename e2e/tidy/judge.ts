/** Findings and the permitted exceptions -> lines to show: breaches nobody permitted, and exceptions nobody needs. */
import type { Exception, Finding, Rule } from './rule.ts';
import type { SourceFile } from './source-file.ts';

export function judge(rule: Rule, files: readonly SourceFile[], exceptions: readonly Exception[]): string[] {
  const mine = exceptions.filter((exception) => exception.rule === rule.name);
  const findings = rule.find(files);
  const breaches = findings.filter((finding) => !mine.some((exception) => permits(exception, finding))).map(show);
  return [...breaches, ...mine.flatMap((exception) => staleness(exception, findings))];
}

function permits(exception: Exception, finding: Finding): boolean {
  return exception.path === finding.path && (finding.size ?? 0) <= (exception.sizeMaximum ?? 0);
}

function staleness(exception: Exception, findings: readonly Finding[]): string[] {
  const sizes = findings.filter((finding) => finding.path === exception.path).map((finding) => finding.size ?? 0);
  if (sizes.length === 0) return [`exceptions.ts: ${exception.path} keeps ${exception.rule} now: remove its exception`];
  const largest = Math.max(...sizes);
  if (largest >= (exception.sizeMaximum ?? 0)) return [];
  return [`exceptions.ts: ${exception.path} shrank to ${largest}: lower its sizeMaximum from ${exception.sizeMaximum}`];
}

function show(finding: Finding): string {
  return `${finding.path}:${finding.line} ${finding.message}`;
}
