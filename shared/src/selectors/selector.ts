import type { ExpressionProblem } from '../graph/expressions.ts';

/** What a part of a selector answers. */
export type SelectorType = 'text' | 'number' | 'boolean' | 'version' | 'list' | 'labels';

/** Text that every device has; what is not known is empty. `agentVersion` is text too, but is compared as a version. */
export type TextField = 'id' | 'name' | 'profile' | 'status' | 'agentVersion' | 'release' | 'arch';
export type NumberField = 'cores' | 'memoryMebibytes';

/** A value to compare. A label that a device does not have is empty text. */
export type Operand =
  | { kind: 'literal'; value: string | number }
  | { kind: 'text'; field: TextField }
  | { kind: 'label'; label: string }
  | { kind: 'number'; field: NumberField };

export type Comparison = '==' | '!=' | '<' | '<=' | '>' | '>=';

/** Every part answers yes or no for every device, never "unknown": so a program and a database cannot differ. */
export type Condition =
  | { kind: 'constant'; value: boolean }
  | { kind: 'and' | 'or'; parts: readonly Condition[] }
  | { kind: 'not'; of: Condition }
  | { kind: 'same'; left: Condition; right: Condition }
  | { kind: 'online' }
  | { kind: 'agent-version'; operator: Comparison; than: string }
  | { kind: 'compare'; as: 'text' | 'number'; operator: Comparison; left: Operand; right: Operand }
  | { kind: 'one-of'; as: 'text' | 'number'; value: Operand; of: readonly (string | number)[] }
  | { kind: 'part-of-text'; test: 'startsWith' | 'endsWith' | 'contains'; value: Operand; part: Operand }
  | { kind: 'has-label'; label: Operand }
  | { kind: 'has-provider'; provider: Operand }
  | { kind: 'group'; name: string };

/** A checked selector: its text, and what it says. */
export interface Selector {
  text: string;
  condition: Condition;
}

/** What is wrong with a selector, and where in its text. */
export type SelectorProblem = Omit<ExpressionProblem, 'hint'> & { hint?: string };

/** What exists in this fleet, for errors that name the nearest. Left out: everything counts as existing. */
export interface KnownNames {
  groups?: readonly string[] | undefined;
}

/** What selectors see of a device. */
export interface SelectableDevice {
  id: string;
  name: string;
  profile: string;
  status: 'pending' | 'active' | 'revoked';
  online: boolean;
  agentVersion: string;
  /** Name of the release that it should run, empty without one. */
  release: string;
  labels: Readonly<Record<string, string>>;
  arch: string;
  cores: number;
  memoryMebibytes: number;
  /** Execution providers that really ran. */
  providers: readonly string[];
}

/** The parts that stand directly in a condition. */
export function partsOf(condition: Condition): readonly Condition[] {
  switch (condition.kind) {
    case 'and':
    case 'or':
      return condition.parts;
    case 'not':
      return [condition.of];
    case 'same':
      return [condition.left, condition.right];
    default:
      return [];
  }
}

/** Names of the groups that a condition uses, each once. */
export function groupsOf(condition: Condition): string[] {
  const names = new Set<string>();
  const visit = (part: Condition): void => {
    if (part.kind === 'group') names.add(part.name);
    for (const inner of partsOf(part)) visit(inner);
  };
  visit(condition);
  return [...names];
}
