import {
  type Actor,
  armAt,
  type ExperimentAction,
  type ExperimentDetail,
  type ExperimentDevice,
  type ExperimentEvent,
  type ExperimentLook,
  type ExperimentPreview,
  type ExperimentSpec,
  type ExperimentView,
  goalOf,
  type PageQuery,
  pointOf,
  type RolloutSpec,
  rolloutSpecSchema,
  StarlingError,
  sha256,
  shadowOf,
  splitText,
} from '@starling/shared';
import { appendAudit } from '../audit/index.ts';
import { applyChange, notNow } from './change.ts';
import { type CheckedSpec, checkSpec } from './check-spec.ts';
import { chooseParts, joinDevices, type PartOf } from './join-devices.ts';
import { JOINS_PER_PASS_MAXIMUM, OPEN_MAXIMUM } from './limits.ts';
import { candidatesOf, countMatches, listMembers, type Matched } from './members-store.ts';
import type { ExperimentPorts } from './ports.ts';
import { createRunner, type Runner } from './runner.ts';
import { experimentTable } from './states.ts';
import {
  appendEvents,
  claimVersion,
  type ExperimentFilter,
  type ExperimentRow,
  findExperiment,
  insertExperiment,
  listEvents,
  listExperiments,
  listLooks,
  lockCreation,
  lockExperiment,
  openNamed,
} from './store.ts';
import { detailOf, viewsOf } from './views.ts';

/** Releases that challenge the one that devices run. */
export interface Experiments {
  preview(spec: ExperimentSpec, all: boolean): Promise<ExperimentPreview>;
  /** @throws StarlingError that names the field and the fix */
  create(spec: ExperimentSpec, all: boolean, actor: Actor): Promise<ExperimentDetail>;
  list(filter: ExperimentFilter): Promise<{ items: ExperimentView[]; total: number }>;
  /** By id, else the newest of that name. @throws StarlingError `not-found` */
  show(reference: string): Promise<ExperimentDetail>;
  devices(reference: string, page: PageQuery): Promise<{ items: ExperimentDevice[]; total: number }>;
  timeline(reference: string, page: PageQuery): Promise<{ items: ExperimentEvent[]; total: number }>;
  looks(reference: string, page: PageQuery): Promise<{ items: ExperimentLook[]; total: number }>;
  /** Where an item goes by the shares of now. */
  armOf(reference: string, key: string): Promise<{ key: string; point: number; release: string; name: string; isChampion: boolean }>;
  /** @throws StarlingError `experiment-state`, `no-winner` */
  act(
    reference: string,
    action: ExperimentAction,
    options: { reason?: string | undefined; release?: string | undefined },
    actor: Actor,
  ): Promise<ExperimentDetail>;
  start(): void;
  /** One look at every experiment, for tests that do not wait. */
  pass: Runner['pass'];
  close(): Promise<void>;
}

export function createExperiments(ports: ExperimentPorts): Experiments {
  const { db, clock, events, desiredStates } = ports;
  const runner = createRunner(ports);
  const find = async (reference: string): Promise<ExperimentRow> => {
    const row = await findExperiment(db, reference);
    if (row !== undefined) return row;
    throw new StarlingError('not-found', `there is no experiment ${reference}`, { field: 'id', hint: 'see "starling experiment list"' });
  };
  const show = async (reference: string): Promise<ExperimentDetail> => detailOf(db, await find(reference));
  const changed = ({ id, name }: ExperimentRow, devices: readonly string[] = []): void => {
    desiredStates.announce(devices);
    events.publish({ type: 'experiment', id, atMs: clock.nowMs(), detail: { name } });
    runner.wake();
  };
  return {
    preview: (spec, all) => preview(spec, all, ports),
    async create(written, all, actor) {
      const checked = await checkSpec(written, ports);
      requireMatches(await countMatches(db, checked.where, checked.champion.digest), checked, all);
      await requireRunnable(checked, ports);
      const row = await insert(checked, actor, ports);
      // What comes in at once is there when the answer is.
      if (row.state === 'running') await joinDevices(row, checked.where, JOINS_PER_PASS_MAXIMUM, ports);
      changed(row);
      return show(row.id);
    },
    async list(filter) {
      const { rows, total } = await listExperiments(db, filter);
      return { items: await viewsOf(db, rows), total };
    },
    show,
    devices: async (reference, page) => listMembers(db, (await find(reference)).id, page),
    timeline: async (reference, page) => listEvents(db, (await find(reference)).id, page),
    looks: async (reference, page) => listLooks(db, (await find(reference)).id, page),
    async armOf(reference, key) {
      const row = await find(reference);
      const point = pointOf(await sha256(new TextEncoder().encode(splitText(row.id, key))));
      const challenger = row.spec.mode === 'shadow' ? undefined : row.challengers[armAt(row.shares.slice(1), point) ?? -1];
      const arm = challenger ?? { release: row.champion, name: row.championName };
      return { key, point, ...arm, isChampion: challenger === undefined };
    },
    async act(reference, action, options, actor) {
      const row = await find(reference);
      const devices = action === 'promote' ? await promote(row, options, actor, ports) : await act(row, action, options, actor, ports);
      changed(row, devices);
      return show(row.id);
    },
    start: () => runner.start(),
    pass: () => runner.pass(),
    close: () => runner.close(),
  };
}

/** @throws StarlingError `matches-none`, `matches-all`, `nothing-to-do` */
function requireMatches({ matched, active, free }: Matched, { champion }: CheckedSpec, all: boolean): void {
  if (matched === 0)
    throw new StarlingError('matches-none', 'the selector matches no active device', {
      field: 'selector',
      hint: 'see labels with "starling device ls"',
    });
  if (matched === active && active > 1 && !all)
    throw new StarlingError('matches-all', `the selector matches every device (${active})`, {
      field: 'selector',
      hint: 'if that is meant, say so with --all',
    });
  if (free === 0)
    throw new StarlingError(
      'nothing-to-do',
      `none of ${matched} devices can take part: they run something else than ${champion.document.name}, or are in a rollout or another experiment`,
      {
        field: 'selector',
        hint: 'see "starling experiment preview"',
      },
    );
}

/** @throws StarlingError `runs-nowhere` where no device of a sample can run every challenger */
async function requireRunnable(checked: CheckedSpec, ports: ExperimentPorts): Promise<void> {
  const { devices, refused } = await chooseParts(...(await sampleOf(checked, SAMPLE, ports)));
  if (devices.length > 0 || refused.length === 0) return;
  throw new StarlingError('runs-nowhere', `no device that was matched can run the challengers: ${refused[0]?.refused}`, {
    field: 'challengers',
    hint: 'build artefacts for these devices, or match others',
  });
}

/** Some of the devices that would come in first, and the part that they would get. */
async function sampleOf(
  { champion, challengers, spec, where }: CheckedSpec,
  most: number,
  ports: ExperimentPorts,
): Promise<Parameters<typeof chooseParts>> {
  const row: PartOf = {
    ...{ id: ports.ids.next(), spec, shares: firstShares(spec), state: 'running' },
    challengers: challengers.map(({ digest, document }) => ({ release: digest, name: document.name })),
  };
  const room = Math.min(spec.maximumDevices ?? Number.POSITIVE_INFINITY, most);
  return [row, await candidatesOf(ports.db, row.id, where, champion.digest, room), ports];
}

/** Shares of all arms at the start, the champion first. */
function firstShares(spec: ExperimentSpec): number[] {
  if (spec.mode === 'shadow') return [1, ...spec.challengers.map(() => shadowOf(spec).share)];
  if (spec.mode === 'bandit') return Array.from({ length: spec.challengers.length + 1 }, () => 1 / (spec.challengers.length + 1));
  const challengers = spec.challengers.map(({ percent = 0 }) => percent / 100);
  return [1 - challengers.reduce((sum, share) => sum + share, 0), ...challengers];
}

async function insert(
  { spec, champion, challengers }: CheckedSpec,
  actor: Actor,
  { db, ids, clock }: ExperimentPorts,
): Promise<ExperimentRow> {
  const id = ids.next();
  const nowMs = clock.nowMs();
  const state = spec.start ? 'running' : 'draft';
  await db.transaction(async (tx) => {
    await lockCreation(tx);
    const twin = await openNamed(tx, spec.name);
    if (twin !== undefined)
      throw new StarlingError('experiment-exists', `an experiment ${spec.name} is ${twin.state}`, {
        field: 'name',
        hint: 'give it another name, or end that one',
      });
    const { total } = await listExperiments(tx, { limit: 1, offset: 0, open: true });
    if (total >= OPEN_MAXIMUM)
      throw new StarlingError('too-many-experiments', `${total} experiments are open`, { field: 'name', hint: 'end some of them first' });
    await insertExperiment(tx, {
      ...{ id, name: spec.name, spec, state, champion: champion.digest, championName: champion.document.name },
      challengers: challengers.map(({ digest, document }) => ({ release: digest, name: document.name })),
      ...{ shares: firstShares(spec), sharesAtMs: nowMs, reason: spec.start ? 'nothing was counted yet' : 'it waits to be started' },
      ...{ createdAtMs: nowMs, createdBy: actor.name, startedAtMs: spec.start ? nowMs : null },
    });
    const names = challengers.map(({ document }) => document.name).join(', ');
    const text = `${names} ${challengers.length === 1 ? 'challenges' : 'challenge'} ${champion.document.name} (${spec.mode}, by ${goalOf(spec).measure})`;
    await appendEvents(tx, id, nowMs, [{ kind: 'created', actor: actor.name, text }]);
    await appendAudit(tx, clock, actor, 'experiment.create', spec.name, { experiment: id, champion: champion.digest, mode: spec.mode });
  });
  return (await findExperiment(db, id)) as ExperimentRow;
}

async function act(
  { id }: ExperimentRow,
  action: Exclude<ExperimentAction, 'promote'>,
  { reason }: { reason?: string | undefined },
  actor: Actor,
  { db, clock, follow }: ExperimentPorts,
): Promise<string[]> {
  const told = { start: 'started', pause: 'paused', resume: 'resumed', stop: 'stopped' }[action];
  const because = reason === undefined ? '' : ` (${reason})`;
  return db.transaction(async (tx) => {
    const row = (await lockExperiment(tx, id)) as ExperimentRow;
    await claimVersion(tx, row);
    const text = `${told} by ${actor.name}${because}`;
    // Who goes on has seen what stopped it.
    const accepted = action === 'resume' ? { isMismatchAccepted: true } : {};
    const { devices } = await applyChange(tx, row, { move: action, actor: actor.name, nowMs: clock.nowMs(), text, ...accepted });
    await follow(tx, devices);
    await appendAudit(tx, clock, actor, `experiment.${action}`, row.name, { experiment: id, ...(reason === undefined ? {} : { reason }) });
    return devices;
  });
}

/** Ends it, and takes a release to all devices of the selector by a rollout, which can be watched and taken back. */
async function promote(
  { id, name }: ExperimentRow,
  { reason, release }: { reason?: string | undefined; release?: string | undefined },
  actor: Actor,
  ports: ExperimentPorts,
): Promise<string[]> {
  const { db, clock } = ports;
  const row = await findExperiment(db, id);
  if (row === undefined || experimentTable[row.state].promote === null) throw notNow(row ?? { state: 'promoted' }, 'promote');
  const arm = armToPromote(row, release);
  const rollout = arm.release === row.champion ? undefined : await ports.promote(rolloutOf(row, arm), actor);
  const because = reason === undefined ? '' : ` (${reason})`;
  const devices = await db.transaction(async (tx) => {
    const locked = (await lockExperiment(tx, id)) as ExperimentRow;
    await claimVersion(tx, locked);
    const change = {
      actor: actor.name,
      nowMs: clock.nowMs(),
      text: `${arm.name} is promoted by ${actor.name}${because}`,
      winner: arm.release,
      rollout,
    };
    const done = await applyChange(tx, locked, { move: 'promote', ...change });
    await ports.follow(tx, done.devices);
    await appendAudit(tx, clock, actor, 'experiment.promote', name, { experiment: id, release: arm.release });
    return done.devices;
  });
  return devices;
}

/** Whoever takes part has the challengers already: there is nothing to try on a canary. */
function rolloutOf({ name, spec }: ExperimentRow, { release }: { release: string }): RolloutSpec {
  return rolloutSpecSchema.parse({
    ...{ name: `${name.slice(0, 57)}-winner`, release, selector: spec.selector, supersede: true, canary: { count: 0 } },
    ...{ description: `the winner of the experiment ${name}`, steps: [{ setPercent: 100 }] },
  });
}

function armToPromote(row: ExperimentRow, wanted: string | undefined): { release: string; name: string } {
  const arms = [{ release: row.champion, name: row.championName }, ...row.challengers];
  const found = arms.find(({ release, name }) => (wanted === undefined ? release === row.winner : wanted === release || wanted === name));
  if (found !== undefined) return found;
  const names = arms.map((arm) => arm.name).join(', ');
  if (wanted === undefined)
    throw new StarlingError('no-winner', 'it has no winner yet', { field: 'release', hint: `name the release to promote: ${names}` });
  throw new StarlingError('unknown-release', `${wanted} is none of its releases`, { field: 'release', hint: `there are: ${names}` });
}

async function preview(written: ExperimentSpec, all: boolean, ports: ExperimentPorts): Promise<ExperimentPreview> {
  const { db } = ports;
  const checked = await checkSpec(written, ports);
  const { champion, spec, where } = checked;
  const matched = await countMatches(db, where, champion.digest);
  if (!all) requireMatches(matched, checked, all);
  const { parts, refused } = await chooseParts(...(await sampleOf(checked, PREVIEW_MAXIMUM, ports)));
  const kinds = Map.groupBy(refused, ({ refused: why }) => why);
  const named = (code: string, text: string, devices: number) => (devices === 0 ? [] : [{ code, text, devices }]);
  return {
    champion: { release: champion.digest, name: champion.document.name },
    ...{ matched: matched.matched, devices: Math.min(matched.free, spec.maximumDevices ?? matched.free) - refused.length },
    obstacles: [
      ...named('other-release', `are to run another release than ${champion.document.name}`, matched.other),
      ...named('in-experiment', 'take part in another experiment', matched.experiment),
      ...named('in-rollout', 'are in a rollout', matched.rollout),
      ...named('placed', 'run parts on several machines', matched.placed),
      ...[...kinds].flatMap(([why, devices]) => named('cannot-run', why, devices.length)),
    ],
    desiredStateBytes: Math.max(0, ...parts.map((part) => JSON.stringify(part).length)),
  };
}

/** Devices for which a preview chooses artefacts. */
const PREVIEW_MAXIMUM = 500;
/** Devices that are looked at before an experiment is made: where none of them can take part, hardly any can. */
const SAMPLE = 50;
