import {
  type Comparison,
  type Condition,
  compareAs,
  matchesSelector,
  type Operand,
  partsOf,
  type SelectableDevice,
  StarlingError,
} from '@starling/shared';
import { type SQL, sql } from 'drizzle-orm';
import type { Queryable } from '../db/index.ts';
import { desiredStates, devices, releases } from '../db/schema/index.ts';

/**
 * A selector as a condition over the table of devices. Texts and numbers of people are parameters, and no answer is ever null.
 *
 * Databases cannot compare versions. There are few different ones in a fleet, however many devices: they are read, compared here, and
 * become a list. So the condition is of this moment: make another one for the next question.
 * @param condition of a selector, with all groups put in
 */
export async function selectorWhere(db: Queryable, condition: Condition): Promise<SQL> {
  return whereOf(condition, comparesVersions(condition) ? await agentVersions(db) : []);
}

/** Versions of agents that are in use; what a few devices more say while this runs does not matter. */
async function agentVersions(db: Queryable): Promise<string[]> {
  const rows = await db.selectDistinct({ version: devices.agentVersion }).from(devices);
  return rows.map(({ version }) => version);
}

function comparesVersions(condition: Condition): boolean {
  return condition.kind === 'agent-version' || partsOf(condition).some(comparesVersions);
}

function whereOf(condition: Condition, versions: readonly string[]): SQL {
  switch (condition.kind) {
    case 'constant':
      return condition.value ? sql`true` : sql`false`;
    case 'and':
    case 'or':
      return sql`(${sql.join(
        condition.parts.map((part) => whereOf(part, versions)),
        condition.kind === 'and' ? sql` and ` : sql` or `,
      )})`;
    case 'not':
      return sql`(not ${whereOf(condition.of, versions)})`;
    case 'same':
      return sql`(${whereOf(condition.left, versions)} = ${whereOf(condition.right, versions)})`;
    case 'online':
      return sql`(${devices.online} and ${devices.status} = 'active')`;
    case 'agent-version': {
      const matching = versions.filter((version) => compareAs('version', condition.operator, version, condition.than));
      return sql`(${devices.agentVersion} = any(${sql.param(matching)}::text[]))`;
    }
    case 'has-label':
      return sql`(${devices.labels} ? ${textOf(condition.label)})`;
    case 'has-provider':
      return sql`(${devices.providers} ? ${textOf(condition.provider)})`;
    case 'group':
      throw new StarlingError('unresolved-group', `the group "${condition.name}" was not looked up`);
    default:
      return valueWhere(condition);
  }
}

const operators: Readonly<Record<Comparison, SQL>> = {
  '==': sql`=`,
  '!=': sql`<>`,
  '<': sql`<`,
  '<=': sql`<=`,
  '>': sql`>`,
  '>=': sql`>=`,
};

type ValueCondition = Extract<Condition, { kind: 'compare' | 'one-of' | 'part-of-text' }>;

function valueWhere(condition: ValueCondition): SQL {
  switch (condition.kind) {
    case 'compare': {
      const compare = (left: SQL, right: SQL): SQL => sql`(${left} ${operators[condition.operator]} ${right})`;
      const { as, left, right } = condition;
      return as === 'number' ? compare(numberOf(left), numberOf(right)) : textWhere(condition, [left, right], compare);
    }
    case 'one-of': {
      const { as, value, of } = condition;
      if (as === 'number') return sql`(${numberOf(value)} = any(${sql.param([...of])}::float8[]))`;
      return textWhere(condition, [value], (text) => sql`(${text} = any(${sql.param(of.map(String))}::text[]))`);
    }
    case 'part-of-text':
      return textWhere(condition, [condition.value, condition.part], partTests[condition.test]);
  }
}

/** None of these takes a character of the text for a pattern. */
const partTests: Readonly<Record<'startsWith' | 'endsWith' | 'contains', (text: SQL, part: SQL) => SQL>> = {
  startsWith: (text, part) => sql`starts_with(${text}, ${part})`,
  endsWith: (text, part) => sql`(right(${text}, length(${part})) = ${part})`,
  contains: (text, part) => sql`(strpos(${text}, ${part}) > 0)`,
};

/** A question about texts. One of them may be the name of the release; then the other is plain text. */
function textWhere<Operands extends [Operand] | [Operand, Operand]>(
  condition: ValueCondition,
  operands: Operands,
  ask: (...texts: { [Place in keyof Operands]: SQL }) => SQL,
): SQL {
  const asked = ask(...(operands.map(textOf) as { [Place in keyof Operands]: SQL }));
  return operands.some(isRelease) ? releaseWhere(asked, matchesSelector(condition, withoutRelease)) : asked;
}

function isRelease(operand: Operand): boolean {
  return operand.kind === 'text' && operand.field === 'release';
}

const withoutRelease: SelectableDevice = {
  ...{ id: '', name: '', profile: '', status: 'active', online: false, agentVersion: '', release: '', labels: {}, arch: '' },
  ...{ cores: 0, memoryMebibytes: 0, providers: [] },
};

/**
 * Asks about the name of the release: the releases that match are looked up once and give a set of devices, instead of a look
 * for each device. Devices without a release are those of empty name.
 */
function releaseWhere(matches: SQL, emptyMatches: boolean): SQL {
  const among = (where: SQL): SQL => sql`(${devices.id} in (select desired.device from ${desiredStates} as desired
    join ${releases} as named on named.digest = desired.release where ${where}))`;
  return emptyMatches ? sql`(not ${among(sql`not ${matches}`)})` : among(matches);
}

const textColumns = {
  id: devices.id,
  name: devices.name,
  profile: devices.profile,
  status: devices.status,
  agentVersion: devices.agentVersion,
  /** As `releaseWhere` names it. */
  release: sql`named.name`,
  arch: devices.architecture,
} as const;

function textOf(operand: Operand): SQL {
  switch (operand.kind) {
    case 'literal':
      return sql`${String(operand.value)}::text`;
    case 'label':
      return sql`coalesce(${devices.labels} ->> ${operand.label}::text, '')`;
    case 'text':
      return sql`${textColumns[operand.field]}`;
    case 'number':
      return sql`${numberOf(operand)}::text`;
  }
}

function numberOf(operand: Operand): SQL {
  if (operand.kind === 'number') return sql`${operand.field === 'cores' ? devices.cores : devices.memoryMebibytes}`;
  return sql`${operand.kind === 'literal' ? Number(operand.value) : 0}::float8`;
}
