import { Progress, Stack, Text } from '@mantine/core';
import type { DeviceView, ReconcilePhase, ReportedState } from '@starling/shared';
import { IconAlertCircle, IconCircle, IconCircleCheckFilled, IconLoader2 } from '@tabler/icons-react';
import { bytesOf, inWords } from '../../format/quantity.ts';
import { EmptyState } from '../../parts/empty-state.tsx';
import { Moment } from '../../parts/moment.tsx';
import { Panel } from '../../parts/panel.tsx';
import { ProblemAlert } from '../../parts/problem-alert.tsx';
import { toProblem } from '../../parts/reported-problem.ts';
import classes from './reconcile-panel.module.css';

type Step = ReportedState['steps'][number];

/** The way of every release: the last stop is the only one that counts as there. */
const way: readonly { phase: ReconcilePhase; word: string }[] = [
  { phase: 'checking', word: 'Check' },
  { phase: 'pulling', word: 'Pull' },
  { phase: 'installed', word: 'Install' },
  { phase: 'self-testing', word: 'Self-test' },
  { phase: 'probation', word: 'Probation' },
  { phase: 'running', word: 'Verified' },
];

/** How far the device is on its way to what it should run, step by step as it reports. */
export function ReconcilePanel({ device: { reported, reportedAtMs, desired } }: { device: DeviceView }) {
  if (reported === null) {
    return (
      <Panel title="Progress">
        <EmptyState title="Not reported yet">The device tells its steps as soon as it is connected.</EmptyState>
      </Panel>
    );
  }
  const isBehind = desired !== null && reported.generation < desired.generation;
  return (
    <Panel
      title="Progress"
      note={
        <>
          Reported <Moment atMs={reportedAtMs} />, generation {reported.generation}
          {isBehind && ` (${desired.generation} is wanted)`}
        </>
      }
    >
      <Stack gap="sm">
        <Way phase={reported.phase} />
        {reported.error !== null && <ProblemAlert error={toProblem(reported.error)} />}
        {reported.steps.length > 0 && (
          <ul className={classes.steps} aria-live="polite" aria-relevant="text">
            {reported.steps.map((step) => (
              <StepRow key={`${step.step} ${step.subject}`} step={step} release={desired?.release ?? ''} />
            ))}
          </ul>
        )}
        <Refused refused={reported.refused} />
        {reported.running !== null && (
          <Text size="sm" c="dimmed">
            Runs since <Moment atMs={reported.running.since} />
            {reported.previous !== null && `; keeps ${reported.previous.slice(0, 12)}… to go back to`}
          </Text>
        )}
      </Stack>
    </Panel>
  );
}

/** Artefacts that were chosen and do not run there, where another one does in their place. */
function Refused({ refused = [] }: Partial<Pick<ReportedState, 'refused'>>) {
  const replaced = refused.filter(({ instead }) => instead !== null);
  if (replaced.length === 0) return null;
  return (
    <ul className={classes.steps} aria-label="Not run there">
      {replaced.map(({ model, artefact, reason, instead }) => (
        <li key={artefact} className={classes.step}>
          <IconAlertCircle size={17} color="var(--warn)" role="img" aria-label="refused" />
          <span className={classes.what}>
            {model} <span className={classes.subject}>{artefact.slice(0, 12)}</span> is not run there: {reason}.{' '}
            <span className={classes.subject}>{instead?.slice(0, 12)}</span> runs in its place.
          </span>
        </li>
      ))}
    </ul>
  );
}

function Way({ phase }: { phase: ReconcilePhase }) {
  const reached = way.findIndex((stop) => stop.phase === phase);
  return (
    <ol className={classes.way} aria-label="Way of the release">
      {way.map((stop, index) => {
        const state = phase === 'running' || index < reached ? 'done' : index === reached ? 'current' : 'ahead';
        return (
          <li key={stop.phase} className={classes.stop} data-state={state} aria-current={state === 'current' ? 'step' : undefined}>
            {stop.word}
          </li>
        );
      })}
    </ol>
  );
}

const marks = { waiting: IconCircle, running: IconLoader2, done: IconCircleCheckFilled, failed: IconAlertCircle };
const colors = { waiting: 'var(--idle)', running: 'var(--busy)', done: 'var(--good)', failed: 'var(--bad)' };

function StepRow({ step: { step, subject, state, doneBytes, totalBytes }, release }: { step: Step; release: string }) {
  const Mark = marks[state];
  // Steps about the release as a whole name it by the head of its digest, which says nothing new here.
  const about = subject !== '' && release.startsWith(subject) ? '' : subject;
  const share = doneBytes === undefined || !totalBytes ? undefined : doneBytes / totalBytes;
  return (
    <li className={classes.step}>
      <Mark size={17} color={colors[state]} role="img" aria-label={state} className={state === 'running' ? classes.turning : undefined} />
      <span className={classes.what}>
        {step.replaceAll('-', ' ')} <span className={classes.subject}>{about}</span>
      </span>
      {doneBytes !== undefined && totalBytes !== undefined && (
        <span className={classes.bytes}>
          {inWords(bytesOf(doneBytes))} of {inWords(bytesOf(totalBytes))}
        </span>
      )}
      {share !== undefined && state === 'running' && (
        <Progress value={share * 100} size="sm" className={classes.bar} aria-label={`${step} ${subject}`} />
      )}
    </li>
  );
}
