/** Text that says which devices are meant -> a checked condition -> yes or no for one device; in the fleet, a question to the database. */
export {
  type Completion,
  type CompletionItem,
  completeSelector,
} from './complete.ts';
export { compareAs, matchesSelector } from './evaluate.ts';
export { type SelectorName, selectorNames } from './names.ts';
export { checkSelector, parseSelector } from './parse-selector.ts';
export { resolveGroups } from './resolve-groups.ts';
export { selectableOf } from './selectable.ts';
export {
  type Comparison,
  type Condition,
  groupsOf,
  type KnownNames,
  type NumberField,
  type Operand,
  partsOf,
  type SelectableDevice,
  type Selector,
  type SelectorProblem,
  type SelectorType,
  type TextField,
} from './selector.ts';
export { compareVersions, isVersion } from './versions.ts';
