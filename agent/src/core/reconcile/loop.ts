import {
  type Assignment,
  type BlobManifest,
  isStarlingError,
  messageOf,
  type Problem,
  type ReconcilePhase,
  type ReportedState,
  StarlingError,
  type StepReport,
} from '@starling/shared';
import type { Puller } from '../blobs/index.ts';
import type { GoodRelease, Journal } from '../journal/index.ts';
import type { Trust, UnderNewestRoot } from '../link/index.ts';
import type { BlobStore } from '../ports/blob-store.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { RuntimeHost } from '../ports/runtime-host.ts';
import { fetchDocuments, type ReleaseDocuments } from './documents.ts';
import { digestsOf, installedRelease, manifestsAtHand, pullBlobs, requireOperators, requireSpace } from './installer.ts';
import { loadKey, planSteps, retryDelayMs, sameAssignment } from './plan.ts';
import type { Step, StepKind } from './steps.ts';

/** What a device should run, with the settings that came with it. */
export interface Target {
  assignment: Assignment | null;
  profile: GoodRelease['profile'];
  telemetryWindowMs: number;
  epoch: number;
  generation: number;
}

export interface Reconciler {
  /** Runs the last good release from the disk: the fleet is not needed for that. */
  resume(): Promise<void>;
  setTarget(target: Target): void;
  /** A session has started: what failed for lack of the fleet is tried again. */
  online(): void;
  hostCrashed(reason: string): void;
  reported(): ReportedState;
  /** Ends what is under way. */
  close(): Promise<void>;
}

export interface ReconcilePorts {
  journal: Journal;
  store: BlobStore;
  puller: Puller;
  host: RuntimeHost;
  trust: Trust;
  underNewestRoot: UnderNewestRoot;
  clock: Clock;
  log: Log;
  onReport(state: ReportedState): void;
  onEvent(level: 'info' | 'warning' | 'error', code: string, message: string, detail?: Record<string, unknown>): void;
}

const phases: Record<StepKind, ReconcilePhase> = {
  'check-agent': 'checking',
  'fetch-documents': 'checking',
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

/** State of one run of a plan. */
interface Run {
  target: Target;
  abort: AbortController;
  documents: ReleaseDocuments | undefined;
  crashed: string | undefined;
}

export function createReconciler(ports: ReconcilePorts): Reconciler {
  const { journal, store, puller, host, trust, clock, log } = ports;
  let target: Target | undefined;
  let active: {
    assignment: Assignment;
    documents: ReleaseDocuments;
    sinceMs: number;
    providers: Record<string, string>;
    good: boolean;
  } | null = null;
  const loaded = new Map<string, Record<string, string>>();
  let steps: StepReport[] = [];
  let phase: ReconcilePhase = 'idle';
  let error: Problem | null = null;
  let run: Run | undefined;
  let working: Promise<void> = Promise.resolve();
  let cancelRetry = (): void => undefined;

  const reported = (): ReportedState => ({
    schemaVersion: 1,
    epoch: target?.epoch ?? journal.state.desired?.epoch ?? 0,
    generation: target?.generation ?? journal.state.desired?.generation ?? 0,
    phase,
    steps,
    running:
      active === null
        ? null
        : {
            release: active.assignment.release,
            artefacts: active.assignment.artefacts,
            verified: active.good,
            since: Math.round(active.sinceMs),
            providers: active.providers,
          },
    previous: journal.state.previousGood?.assignment.release ?? null,
    error,
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
  const requireDocuments = (current: Run): ReleaseDocuments => {
    if (current.documents === undefined) throw new StarlingError('not-fetched', 'the documents were not fetched');
    return current.documents;
  };
  const load = async (documents: ReleaseDocuments, settings: Pick<GoodRelease, 'profile' | 'telemetryWindowMs'>): Promise<void> => {
    const { providers } = await host.load(await installedRelease(documents, store, settings));
    loaded.set(loadKey(documents.assignment), providers);
  };
  const activate = async (documents: ReleaseDocuments, good: boolean): Promise<void> => {
    const key = loadKey(documents.assignment);
    await host.activate(key);
    active = { assignment: documents.assignment, documents, sinceMs: clock.wallMs(), providers: loaded.get(key) ?? {}, good };
  };
  const goBack = async (current: Run): Promise<void> => {
    const { good } = journal.state;
    if (good === null || active?.good === true) return;
    try {
      const documents = await fromDisk(good.assignment);
      if (!loaded.has(loadKey(good.assignment))) await load(documents, good);
      await activate(documents, true);
      ports.onEvent('warning', 'rolled-back', `back on release ${good.assignment.release.slice(0, 12)}`, {
        failed: current.target.assignment?.release,
      });
    } catch (cause) {
      ports.onEvent('error', 'rollback-failed', messageOf(cause));
    }
  };
  const keepNeeded = async (): Promise<void> => {
    const needed = new Set<string>();
    for (const release of [journal.state.good, journal.state.previousGood]) {
      const documents = release === null ? undefined : await fromDisk(release.assignment).catch(() => undefined);
      if (documents !== undefined) for (const digest of await digestsOf(documents, store)) needed.add(digest);
    }
    if (run?.documents !== undefined) for (const digest of await digestsOf(run.documents, store)) needed.add(digest);
    await store.keepOnly(needed);
  };

  /** An executor for every step: a missing one does not compile. */
  const executors: { [Kind in StepKind]: (step: Extract<Step, { kind: Kind }>, current: Run) => Promise<void> } = {
    'check-agent': async () => undefined,
    async 'fetch-documents'(_step, current) {
      current.documents = await documentsOf(current.target.assignment as Assignment, current.abort.signal);
      requireOperators(current.documents);
    },
    'check-space': (_step, current) => requireSpace(requireDocuments(current), store),
    async 'pull-blobs'(_step, current) {
      const known: BlobManifest[] = [];
      for (const release of [journal.state.good, journal.state.previousGood]) {
        const documents = release === null ? undefined : await fromDisk(release.assignment).catch(() => undefined);
        if (documents !== undefined) known.push(...(await manifestsAtHand(documents, store)));
      }
      let lastMs = 0;
      await pullBlobs(requireDocuments(current), puller, known, current.abort.signal, (blob, progress) => {
        const done = progress.doneBytes >= progress.totalBytes;
        if (!done && clock.monotonicMs() - lastMs < 200) return;
        lastMs = clock.monotonicMs();
        setStep('pull-blobs', blob, done ? 'done' : 'running', progress);
      });
    },
    load: (_step, current) => load(requireDocuments(current), current.target),
    async 'self-test'(step) {
      const result = await host.selfTest(step.release);
      if (result.passed) return;
      const failures = Object.entries(result.models).filter(([, verdict]) => !verdict.passed);
      const why = failures.map(([model, verdict]) => `${model}: ${verdict.reason ?? 'wrong outputs'}`).join('; ');
      throw new StarlingError('self-test-failed', `the golden outputs do not come out here: ${why}`, {
        hint: 'build another artefact for this device',
      });
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
      const { assignment, profile, telemetryWindowMs } = current.target;
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
    'collect-garbage': keepNeeded,
  };

  const execute = async (current: Run): Promise<void> => {
    const plan = planSteps(current.target.assignment, {
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
    if (current.documents === undefined && sameAssignment(current.target.assignment, active?.assignment ?? null))
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
  const fail = async (cause: unknown, current: Run): Promise<void> => {
    error = problemOf(cause);
    phase = 'failed';
    const release = current.target.assignment?.release ?? '';
    const attempts = (journal.state.failed[release] ?? 0) + 1;
    ports.onEvent('error', error.code, error.message, { release, attempts });
    log.warn('the desired state was not reached', { code: error.code, reason: error.message, attempts });
    await goBack(current);
    await journal.record({ type: 'failed', release, attempts });
    report();
    const delayMs = isRetryable(cause) ? retryDelayMs(attempts) : undefined;
    if (delayMs !== undefined) cancelRetry = clock.after(delayMs, start);
  };
  const start = (): void => {
    cancelRetry();
    run?.abort.abort(new StarlingError('superseded', 'a newer desired state came'));
    working = working.then(async () => {
      if (target === undefined) return;
      const current: Run = { target, abort: new AbortController(), documents: undefined, crashed: undefined };
      run = current;
      try {
        await execute(current);
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
        if (candidate === null || active !== null) continue;
        try {
          const documents = await fromDisk(candidate.assignment);
          await requireWhole(documents, store);
          await load(documents, candidate);
          await activate(documents, true);
          phase = 'running';
          log.info('runs the last good release', { release: candidate.assignment.release.slice(0, 12) });
        } catch (cause) {
          ports.onEvent('error', 'resume-failed', messageOf(cause), { release: candidate.assignment.release });
        }
      }
      report();
    },
    setTarget(next) {
      target = next;
      start();
    },
    online() {
      if (phase === 'failed') start();
      report();
    },
    hostCrashed(reason) {
      if (run !== undefined) run.crashed = reason;
    },
    reported,
    async close() {
      cancelRetry();
      target = undefined;
      run?.abort.abort(new StarlingError('closing', 'the agent stops'));
      await working;
    },
  };
}

/** Attack, or a bad disk: a bit flipped at rest. What is loaded is what was verified. */
async function requireWhole(documents: ReleaseDocuments, store: BlobStore): Promise<void> {
  for (const { version, artefact } of documents.models) {
    for (const digest of [artefact.blob.digest, ...version.assets.map((asset) => asset.digest)]) {
      if (!(await store.verify(digest)))
        throw new StarlingError('digest-mismatch', `${version.name} on this disk is not what it was`, { field: version.name });
    }
  }
}

function problemOf(cause: unknown): Problem {
  if (!isStarlingError(cause)) return { code: 'reconcile-failed', message: messageOf(cause) };
  const { code, message, field, hint } = cause;
  return { code, message, ...(field === undefined ? {} : { field }), ...(hint === undefined ? {} : { hint }) };
}

/** A signature that does not hold will not hold in a second either; everything of the outer world may get better. */
function isRetryable(cause: unknown): boolean {
  return !isStarlingError(cause) || cause.retryable || !final.has(cause.code);
}

const final: ReadonlySet<string> = new Set([
  'agent-too-old',
  'bad-signature',
  'digest-mismatch',
  'malformed-document',
  'self-test-failed',
  'probation-failed',
  'unknown-critical',
  'unknown-key',
  'wrong-fleet',
  'wrong-kind',
  'provider-refused',
]);
