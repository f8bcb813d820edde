import {
  type Assignment,
  installRetryMs,
  isStarlingError,
  messageOf,
  type Problem,
  type ReconcilePhase,
  type ReportedState,
  StarlingError,
  type StepReport,
  tuneObjectiveOf,
} from '@starling/shared';
import type { GoodRelease } from '../journal/index.ts';
import type { Reload, SelfTestReport } from '../ports/runtime-host.ts';
import { fetchDocuments, type ReleaseDocuments } from './documents.ts';
import { modelOfLoadError, substitute } from './fallbacks.ts';
import { installedRelease, type MemoryNeed, memoryNeeds, pullBlobs, requireMemory, requireOperators, requireSpace } from './installer.ts';
import { createKeeper } from './keeper.ts';
import { isTrial, loadKey, planSteps, sameAssignment } from './plan.ts';
import { isRetryable, noneLeft, problemOf, requireWhole, selfTestFailed } from './problems.ts';
import { isSameTarget, type ReconcilePorts, type Reconciler, type Target } from './reconciler.ts';
import { createRefusals, sayRefused } from './refusals.ts';
import type { Step, StepKind } from './steps.ts';
import { isRefused, type NewVerdict } from './verdicts.ts';

const phases: Record<StepKind, ReconcilePhase> = {
  'fetch-documents': 'checking',
  'check-agent': 'checking',
  'check-memory': 'checking',
  'check-space': 'checking',
  'pull-blobs': 'pulling',
  load: 'installed',
  'self-test': 'self-testing',
  activate: 'probation',
  probation: 'probation',
  commit: 'running',
  retire: 'running',
  'collect-garbage': 'running',
};

/** Pause between two reports of how far a pull is: each is a write in the database of the fleet. */
const PROGRESS_INTERVAL_MS = 500;

interface ActiveRelease {
  assignment: Assignment;
  documents: ReleaseDocuments;
  sinceMs: number;
  providers: Record<string, string>;
  good: boolean;
}

/** State of one run of a plan. */
interface Run {
  target: Target;
  /** What of the target this device can run: refused artefacts are replaced. */
  assignment: Assignment | null;
  abort: AbortController;
  documents: ReleaseDocuments | undefined;
  crashed: string | undefined;
}

/** What a release adds to the memory: sessions are shared, so what runs already needs nothing more. */
function needsOf(documents: ReleaseDocuments, active: ActiveRelease | null): MemoryNeed[] {
  return memoryNeeds(documents, Object.values(active?.assignment.artefacts ?? {}));
}

function requireDocuments({ documents }: Run): ReleaseDocuments {
  if (documents === undefined) throw new StarlingError('not-fetched', 'the documents were not fetched');
  return documents;
}

function runningOf({ assignment, good, sinceMs, providers }: ActiveRelease): NonNullable<ReportedState['running']> {
  const { release, artefacts } = assignment;
  return { release, artefacts, verified: good, since: Math.round(sinceMs), providers };
}

export function createReconciler(ports: ReconcilePorts): Reconciler {
  const { journal, store, puller, host, trust, clock, log, verdicts } = ports;
  let target: Target | undefined;
  let active: ActiveRelease | null = null;
  const loaded = new Map<string, Record<string, string>>();
  let steps: StepReport[] = [];
  let phase: ReconcilePhase = 'idle';
  let error: Problem | null = null;
  let retryAtMs: number | undefined;
  let run: Run | undefined;
  let working: Promise<void> = Promise.resolve();
  let cancelRetry = (): void => undefined;

  const refusals = createRefusals(verdicts);
  const reported = (): ReportedState => ({
    schemaVersion: 1,
    epoch: target?.epoch ?? journal.state.desired?.epoch ?? 0,
    generation: target?.generation ?? journal.state.desired?.generation ?? 0,
    ...{ phase, steps },
    running: active === null ? null : runningOf(active),
    previous: journal.state.previousGood?.assignment.release ?? null,
    ...{ error, ...(phase === 'failed' && retryAtMs !== undefined ? { retryAtMs } : {}) },
    refused: target?.assignment == null ? [] : substitute(target.assignment, refusals.of).refused.slice(0, 32),
    atMs: Math.round(clock.wallMs()),
  });
  const report = (): void => ports.onReport(reported());
  const setStep = (kind: StepKind, subject: string, state: StepReport['state'], progress: Partial<StepReport> = {}): void => {
    const entry: StepReport = { step: kind, subject, state, ...progress };
    const at = steps.findIndex((each) => each.step === kind && each.subject === subject);
    // A part of a step, such as one blob, stands below that step.
    const after = steps.findLastIndex((each) => each.step === kind);
    if (at !== -1) steps = steps.with(at, entry);
    else steps = after === -1 ? [...steps, entry] : steps.toSpliced(after + 1, 0, entry);
    report();
  };
  const documentsOf = (assignment: Assignment, signal: AbortSignal): Promise<ReleaseDocuments> =>
    ports.underNewestRoot((root) => fetchDocuments(assignment, root, (digest) => puller.document(digest, signal)));
  const fromDisk = (assignment: Assignment): Promise<ReleaseDocuments> =>
    fetchDocuments(assignment, trust.root(), async (digest) => {
      const bytes = await store.getDocument(digest);
      if (bytes === undefined) throw new StarlingError('chunk-missing', `document ${digest} is not on this disk`);
      return bytes;
    });
  const load = async (documents: ReleaseDocuments, settings: Pick<GoodRelease, 'profile' | 'telemetryWindowMs'>): Promise<void> => {
    const { providers } = await host.load(await installedRelease(documents, store, { ...settings, device: ports.device }, ports.tunings));
    loaded.set(loadKey(documents.assignment), providers);
  };
  /** Runs the golden inputs of a loaded release and remembers what came out. @throws StarlingError `self-test-failed` */
  const requireGolden = async (key: string): Promise<void> => {
    const report = await host.selfTest(key);
    await noteReport(report);
    if (report.passed) return;
    loaded.delete(key);
    await host.unload(key).catch(() => undefined);
    throw selfTestFailed(report);
  };
  const noteReport = async ({ models }: SelfTestReport): Promise<void> => {
    for (const [model, { passed, maximumError, reason, artefact, provider }] of Object.entries(models)) {
      const why = passed ? {} : { code: 'self-test-failed', reason: reason ?? 'wrong outputs' };
      await note({ artefact, provider, passed, maximumError, ...why }, model);
    }
  };
  const note = async (verdict: NewVerdict, model?: string): Promise<void> => {
    const isNews = await verdicts.note(verdict);
    if (!isNews || verdict.passed) return;
    sayRefused(ports.onEvent, verdict, model);
  };
  const activate = async (documents: ReleaseDocuments, good: boolean): Promise<void> => {
    const key = loadKey(documents.assignment);
    await host.activate(key);
    active = { assignment: documents.assignment, documents, sinceMs: clock.wallMs(), providers: loaded.get(key) ?? {}, good };
  };
  const goBack = async (current?: Run): Promise<void> => {
    if (active?.good === true) return;
    for (const release of [journal.state.good, journal.state.previousGood]) {
      if (release === null || isRefused(release.assignment, verdicts)) continue;
      try {
        await runFromDisk(release);
        ports.onEvent('warning', 'rolled-back', `back on release ${release.assignment.release.slice(0, 12)}`, {
          failed: current?.target.assignment?.release,
        });
        return;
      } catch (cause) {
        ports.onEvent('error', 'rollback-failed', messageOf(cause));
      }
    }
  };
  const runFromDisk = async (release: GoodRelease): Promise<void> => {
    const documents = await fromDisk(release.assignment);
    if (!loaded.has(loadKey(release.assignment))) {
      await requireWhole(documents, store);
      await load(documents, release);
      await requireGolden(loadKey(release.assignment));
    }
    await activate(documents, true);
  };
  const keeper = createKeeper({ journal, store, fromDisk, installing: () => run?.documents });

  /** An executor for every step: a missing one does not compile. */
  const executors: { [Kind in StepKind]: (step: Extract<Step, { kind: Kind }>, current: Run) => Promise<void> } = {
    async 'fetch-documents'(_step, current) {
      current.documents = await documentsOf(current.assignment as Assignment, current.abort.signal);
    },
    'check-agent': async (_step, current) => requireOperators(requireDocuments(current)),
    async 'check-memory'(_step, current) {
      requireMemory(needsOf(requireDocuments(current), active), await ports.modelMemoryBytes());
    },
    'check-space': (_step, current) => requireSpace(requireDocuments(current), store),
    async 'pull-blobs'(_step, current) {
      const known = await keeper.manifests();
      let lastMs = 0;
      await pullBlobs(requireDocuments(current), puller, known, current.abort.signal, (blob, progress) => {
        const done = progress.doneBytes >= progress.totalBytes;
        if (!done && clock.monotonicMs() - lastMs < PROGRESS_INTERVAL_MS) return;
        lastMs = clock.monotonicMs();
        setStep('pull-blobs', blob, done ? 'done' : 'running', progress);
      });
    },
    load: (_step, current) => load(requireDocuments(current), current.target),
    async 'self-test'(step, current) {
      await requireGolden(step.release);
      // A host that ended over an artefact which has given way speaks against none that came after it.
      current.crashed = undefined;
    },
    activate: (_step, current) => activate(requireDocuments(current), false),
    async probation(step, current) {
      await new Promise<void>((resolve) => {
        const cancel = clock.after(step.lengthMs, resolve);
        current.abort.signal.addEventListener('abort', () => {
          cancel();
          resolve();
        });
      });
      current.abort.signal.throwIfAborted();
      if (current.crashed !== undefined)
        throw new StarlingError('probation-failed', `the runtime host crashed on the new release: ${current.crashed}`);
    },
    async commit(_step, current) {
      const { profile, telemetryWindowMs } = current.target;
      const { assignment } = current;
      const release =
        assignment === null
          ? null
          : { assignment, telemetryWindowMs, sinceMs: clock.wallMs(), ...(profile === undefined ? {} : { profile }) };
      await journal.record({ type: 'good', release });
      if (active !== null) active = assignment === null ? null : { ...active, good: true };
      const name = current.documents?.release.name;
      if (name !== undefined)
        ports.onEvent('info', 'release-verified', `${name} runs: self-test and probation have passed`, { release: assignment?.release });
    },
    async retire(step) {
      loaded.delete(step.release);
      await host.unload(step.release).catch((cause: unknown) => log.debug('a release was not unloaded', { reason: messageOf(cause) }));
    },
    'collect-garbage': () => keeper.collect(),
  };

  const execute = async (current: Run): Promise<void> => {
    const plan = planSteps(current.assignment, {
      active: active?.assignment ?? null,
      activeIsGood: active?.good ?? false,
      loaded: [...loaded.keys()],
    });
    if (plan.length === 0) {
      phase = active === null ? 'idle' : 'running';
      return report();
    }
    error = null;
    steps = plan.map((step) => ({ step: step.kind, subject: step.release.slice(0, 12), state: 'waiting' }));
    if (current.documents === undefined && sameAssignment(current.assignment, active?.assignment ?? null))
      current.documents = active?.documents;
    for (const step of plan) {
      current.abort.signal.throwIfAborted();
      phase = phases[step.kind];
      setStep(step.kind, step.release.slice(0, 12), 'running');
      try {
        await executors[step.kind](step as never, current);
      } catch (cause) {
        setStep(step.kind, step.release.slice(0, 12), 'failed');
        throw cause;
      }
      setStep(step.kind, step.release.slice(0, 12), 'done');
    }
    phase = active === null ? 'idle' : 'running';
    report();
  };
  /** Executes plans until one holds: an artefact that is refused on the way gives its place to the runner-up. */
  const reach = async (current: Run): Promise<void> => {
    const wanted = current.target.assignment;
    refusals.forgetMemory();
    for (;;) {
      const { assignment, refused } = wanted === null ? { assignment: null, refused: [] } : substitute(wanted, refusals.of);
      if (assignment === undefined) throw noneLeft(refused);
      current.assignment = assignment;
      current.documents = undefined;
      try {
        return await execute(current);
      } catch (cause) {
        if (current.abort.signal.aborted || wanted === null) throw cause;
        await noteLoadFailure(cause, current);
        noteShortage(cause, current);
        const next = substitute(wanted, refusals.of).assignment;
        if (next === undefined || sameAssignment(next, assignment)) throw cause;
        log.warn('a refused artefact gives way to the next', { reason: messageOf(cause) });
      }
    }
  };
  /** Where there is something else to run, what does not load is not tried again. */
  const noteLoadFailure = async (cause: unknown, { target: { assignment: wanted }, assignment }: Run): Promise<void> => {
    if (!isStarlingError(cause) || cause.code !== 'load-failed') return;
    const model = modelOfLoadError(cause.field);
    const artefact = model === undefined ? undefined : assignment?.artefacts[model];
    if (model === undefined || artefact === undefined || (wanted?.fallbacks?.[model]?.length ?? 0) === 0) return;
    await note({ artefact, provider: '', passed: false, maximumError: 0, code: cause.code, reason: cause.message }, model);
  };
  /** Where a runner-up is left, what does not fit into the memory gives way to it, until the next try. */
  const noteShortage = (cause: unknown, { target: { assignment: wanted }, documents }: Run): void => {
    if (!isStarlingError(cause) || cause.code !== 'memory-low' || wanted === null || documents === undefined) return;
    const { code, message: reason } = cause;
    const given = refusals.giveWay(wanted, needsOf(documents, active), reason);
    if (given !== undefined) sayRefused(ports.onEvent, { ...given, provider: '', code, reason }, given.model);
  };
  const hostReloaded = async (releases: readonly Reload[]): Promise<void> => {
    for (const reload of releases) {
      const isActive = active !== null && loadKey(active.assignment) === reload.key;
      if ('report' in reload) await noteReport(reload.report);
      if ('report' in reload && reload.report.passed) {
        loaded.set(reload.key, reload.providers);
        if (isActive && active !== null) active = { ...active, providers: reload.providers };
        continue;
      }
      loaded.delete(reload.key);
      const reason = 'report' in reload ? selfTestFailed(reload.report).message : messageOf(reload.error);
      ports.onEvent('error', 'reload-failed', reason);
      if (isActive) active = null;
    }
    if (active !== null) return report();
    await goBack();
    start();
  };
  const fail = async (cause: unknown, current: Run): Promise<void> => {
    error = problemOf(cause);
    phase = 'failed';
    refusals.forgetMemory();
    const release = current.target.assignment?.release ?? '';
    const attempts = (journal.state.failed[release] ?? 0) + 1;
    ports.onEvent('error', error.code, error.message, { release, attempts });
    log.warn('the desired state was not reached', { code: error.code, reason: error.message, attempts });
    const delayMs = isRetryable(cause) ? installRetryMs(attempts) : undefined;
    retryAtMs = delayMs === undefined ? undefined : Math.round(clock.wallMs() + delayMs);
    await goBack(current);
    report();
    // A disk that is full takes no entry either: the count begins again then, which is better than to stand still.
    await journal
      .record({ type: 'failed', release, attempts })
      .catch((reason: unknown) => log.warn('the failure was not journalled', { reason: messageOf(reason) }));
    if (delayMs !== undefined) cancelRetry = clock.after(delayMs, start);
  };
  const start = (): void => {
    cancelRetry();
    run?.abort.abort(new StarlingError('superseded', 'a newer desired state came'));
    working = working.then(async () => {
      if (target === undefined) return;
      const current: Run = { target, assignment: null, abort: new AbortController(), documents: undefined, crashed: undefined };
      run = current;
      try {
        await reach(current);
      } catch (cause) {
        if (current.abort.signal.aborted) await goBack(current);
        else await fail(cause, current);
      } finally {
        if (run === current) run = undefined;
      }
    });
  };
  return {
    async resume() {
      const { good, previousGood } = journal.state;
      for (const candidate of [good, previousGood]) {
        if (candidate === null || active !== null || isRefused(candidate.assignment, verdicts)) continue;
        try {
          await runFromDisk(candidate);
          phase = 'running';
          log.info('runs the last good release', { release: candidate.assignment.release.slice(0, 12) });
        } catch (cause) {
          ports.onEvent('error', 'resume-failed', messageOf(cause), { release: candidate.assignment.release });
        }
      }
      report();
    },
    setTarget(next) {
      const goesOn = run !== undefined && isSameTarget(run.target, next);
      target = next;
      if (goesOn) report();
      else start();
    },
    online() {
      if (phase === 'failed') start();
      report();
    },
    ...{ keeper, note, holds: (key: string) => loaded.has(key) },
    hostReloaded(releases) {
      working = working.then(() => hostReloaded(releases));
    },
    hostCrashed(reason) {
      if (run !== undefined) run.crashed = reason;
    },
    reported,
    profile: () => target?.profile ?? journal.state.good?.profile,
    objective() {
      const stated = target?.assignment?.objective;
      const signed = active?.documents.release.objective;
      return stated ?? (signed === undefined ? undefined : tuneObjectiveOf(signed));
    },
    concerned: () => (isTrial(phase) ? run?.target.assignment?.release : undefined) ?? active?.assignment.release ?? null,
    running: () => active?.documents,
    async close() {
      cancelRetry();
      target = undefined;
      run?.abort.abort(new StarlingError('closing', 'the agent stops'));
      await working;
    },
  };
}
