import {
  type Actor,
  type Condition,
  checkSelector,
  type GroupView,
  groupsOf,
  isStarlingError,
  type PageQuery,
  parseSelector,
  resolveGroups,
  type SelectorCheck,
  type SelectorVocabulary,
  type SiteView,
  StarlingError,
} from '@starling/shared';
import { type SQL, sql } from 'drizzle-orm';
import { appendAudit } from '../audit/index.ts';
import type { Database, Queryable } from '../db/index.ts';
import { countSelected, selectorWhere, selectSites, selectVocabulary } from '../devices/index.ts';
import type { Clock } from '../ports.ts';
import { allGroups, deleteGroupRow, GROUPS_MAXIMUM, type GroupRow, groupByName, insertGroup, selectGroups, updateGroup } from './store.ts';

/** What uses groups beside groups: each is asked before one is deleted. @returns such as `rollout spring` */
export type GroupUse = (db: Queryable, group: string) => Promise<string[]>;

export interface Groups {
  /** A selector with all groups put in. @throws StarlingError `invalid-selector`, `group-circle`, `selector-too-large` */
  condition(select: string): Promise<Condition>;
  /** The same as a condition over the table of devices, of this moment. */
  where(select: string): Promise<SQL>;
  check(select: string, group: string | undefined): Promise<SelectorCheck>;
  list(page: PageQuery & { search?: string | undefined }): Promise<{ items: GroupView[]; total: number }>;
  /** @throws StarlingError `not-found` */
  show(name: string): Promise<GroupView>;
  create(group: { name: string; description: string; select: string }, actor: Actor): Promise<GroupView>;
  change(name: string, change: { description?: string | undefined; select?: string | undefined }, actor: Actor): Promise<GroupView>;
  /** @throws StarlingError `group-in-use` */
  remove(name: string, actor: Actor): Promise<void>;
  vocabulary(): Promise<SelectorVocabulary>;
  sites(query: PageQuery & { area?: string | undefined }): Promise<{ items: SiteView[]; total: number }>;
}

interface GroupPorts {
  db: Database;
  clock: Clock;
  /** What else uses groups. */
  uses?: readonly GroupUse[];
}

export function createGroups(ports: GroupPorts): Groups {
  const { db, clock } = ports;
  const condition = async (select: string): Promise<Condition> => understand(select, await allGroups(db));
  const show = async (name: string): Promise<GroupView> => {
    const [view] = await viewsOf([await find(db, name)], ports);
    return view ?? missing(name);
  };
  return {
    condition,
    show,
    where: async (select) => selectorWhere(db, await condition(select)),
    check: (select, group) => check(db, select, group),
    async list(page) {
      const { rows, total } = await selectGroups(db, page);
      return { items: await viewsOf(rows, ports), total };
    },
    async create({ name, description, select }, actor) {
      const nowMs = clock.nowMs();
      await db.transaction(async (tx) => {
        const others = await allGroups(tx);
        if (others.length >= GROUPS_MAXIMUM) {
          throw new StarlingError('too-many', `a fleet has at most ${GROUPS_MAXIMUM} groups`, { field: 'name', hint: 'delete one' });
        }
        understand(select, others, name);
        const row = { name, description, selector: select, createdAtMs: nowMs, changedAtMs: nowMs, changedBy: actor.name };
        if (!(await insertGroup(tx, row))) {
          throw new StarlingError('name-taken', `there is a group "${name}" already`, {
            field: 'name',
            hint: 'take another name, or change it',
          });
        }
        await appendAudit(tx, clock, actor, 'group.create', name, { select });
      });
      return show(name);
    },
    async change(name, { description, select }, actor) {
      await db.transaction(async (tx) => {
        const before = await find(tx, name);
        if (select !== undefined) understand(select, await allGroups(tx), name);
        await updateGroup(tx, name, {
          ...(select === undefined ? {} : { selector: select }),
          ...(description === undefined ? {} : { description }),
          changedAtMs: clock.nowMs(),
          changedBy: actor.name,
        });
        await appendAudit(tx, clock, actor, 'group.change', name, { select: select ?? before.selector, before: before.selector });
      });
      return show(name);
    },
    async remove(name, actor) {
      await db.transaction(async (tx) => {
        await find(tx, name);
        const users = await usersOf(tx, name, await allGroups(tx), ports.uses);
        if (users.length > 0) {
          throw new StarlingError('group-in-use', `"${name}" is used by ${users.join(', ')}`, {
            field: 'name',
            hint: 'change or delete these first',
          });
        }
        await deleteGroupRow(tx, name);
        await appendAudit(tx, clock, actor, 'group.delete', name);
      });
    },
    vocabulary: async () => ({ ...(await selectVocabulary(db)), groups: (await allGroups(db)).map(({ name }) => name) }),
    sites: (query) => selectSites(db, query),
  };
}

async function find(db: Queryable, name: string): Promise<GroupRow> {
  return (await groupByName(db, name)) ?? missing(name);
}

function missing(name: string): never {
  throw new StarlingError('not-found', `there is no group ${name}`, { field: 'name', hint: 'see "starling group ls"' });
}

/**
 * Reads a selector and puts the groups in that it uses.
 * @param as the group that it is going to be: whoever uses that group comes back to this text
 */
function understand(select: string, groups: readonly GroupRow[], as?: string): Condition {
  const condition = readFor(
    select,
    groups.map(({ name }) => name),
    as,
  );
  const texts = new Map(groups.map(({ name, selector }) => [name, selector]));
  if (as !== undefined) texts.set(as, select);
  const definitions = new Map<string, Condition>();
  const open = groupsOf(condition);
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    const text = texts.get(name);
    if (text === undefined || definitions.has(name)) continue;
    const definition = readGroup(name, text);
    definitions.set(name, definition);
    open.push(...groupsOf(definition));
  }
  return resolveGroups(
    as === undefined ? condition : { kind: 'group', name: as },
    as === undefined ? definitions : definitions.set(as, condition),
  );
}

/** Reads what a group may use. Itself it may name, which is a circle that is told later, but nobody else's name is taken for it. */
function readFor(select: string, names: readonly string[], as: string | undefined): Condition {
  const others = names.filter((name) => name !== as);
  const problem = checkSelector(select, { groups: others });
  const ownName = as === undefined || problem === undefined || checkSelector(select, { groups: [...others, as] }) !== undefined ? [] : [as];
  return parseSelector(select, { groups: [...others, ...ownName] }).condition;
}

/** What a group says. An older fleet may have saved what this one does not read any longer. */
function readGroup(name: string, text: string): Condition {
  try {
    return parseSelector(text).condition;
  } catch (error) {
    if (!isStarlingError(error)) throw error;
    throw new StarlingError('invalid-selector', `the group "${name}": ${error.message}`, {
      field: 'select',
      ...(error.hint === undefined ? {} : { hint: error.hint }),
    });
  }
}

async function check(db: Database, select: string, group: string | undefined): Promise<SelectorCheck> {
  const groups = await allGroups(db);
  const problem = checkSelector(select, { groups: groups.map(({ name }) => name) });
  if (problem !== undefined) {
    const { message, range, hint } = problem;
    return withProblem(db, { message, ...range, ...(hint === undefined ? {} : { hint }) });
  }
  try {
    const where = await selectorWhere(db, understand(select, groups, group));
    const { total, selected } = await countSelected(db, [where]);
    return { problem: null, devices: selected[0]?.devices ?? 0, online: selected[0]?.online ?? 0, total };
  } catch (error) {
    if (!isStarlingError(error)) throw error;
    // What is wrong with groups concerns the text as a whole.
    return withProblem(db, {
      message: error.message,
      start: 0,
      end: select.length,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
    });
  }
}

async function withProblem(db: Database, problem: NonNullable<SelectorCheck['problem']>): Promise<SelectorCheck> {
  return { problem, devices: 0, online: 0, total: (await countSelected(db, [])).total };
}

async function usersOf(db: Queryable, name: string, groups: readonly GroupRow[], uses: readonly GroupUse[] = []): Promise<string[]> {
  const using = groups.filter(({ selector }) => usedGroups(selector).includes(name)).map((row) => `group ${row.name}`);
  const others = await Promise.all(uses.map((ask) => ask(db, name)));
  return [...using, ...others.flat()];
}

function usedGroups(selector: string): string[] {
  return checkSelector(selector) === undefined ? groupsOf(parseSelector(selector).condition) : [];
}

/** Groups for people, counted in one look at the devices. */
async function viewsOf(rows: readonly GroupRow[], { db, uses }: GroupPorts): Promise<GroupView[]> {
  const groups = await allGroups(db);
  const read = await Promise.all(
    rows.map(async ({ selector }): Promise<{ where: SQL; problem: string | null }> => {
      try {
        return { where: await selectorWhere(db, understand(selector, groups)), problem: null };
      } catch (error) {
        if (!isStarlingError(error)) throw error;
        return { where: sql`false`, problem: error.message };
      }
    }),
  );
  const { selected } = await countSelected(
    db,
    read.map(({ where }) => where),
  );
  return Promise.all(
    rows.map(async ({ name, description, selector, createdAtMs, changedAtMs, changedBy }, place) => ({
      ...{ name, description, select: selector, createdAtMs, changedAtMs, changedBy },
      ...(selected[place] ?? { devices: 0, online: 0 }),
      usedBy: await usersOf(db, name, groups, uses),
      problem: read[place]?.problem ?? null,
    })),
  );
}
