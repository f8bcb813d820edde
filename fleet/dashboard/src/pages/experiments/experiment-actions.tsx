import { Button, NativeSelect, Textarea } from '@mantine/core';
import type { ExperimentAction, ExperimentDetail, ExperimentState } from '@starling/shared';
import { useState } from 'react';
import { useChange } from '../../data/queries.ts';
import { useSession } from '../../data/session.ts';
import { ConfirmDialog } from '../../parts/confirm-dialog.tsx';
import { announce, announceProblem } from '../../parts/notice.ts';

interface ActionWords {
  label: string;
  done: string;
  /** What it does, where one should think before. */
  asks?: string;
}

const actionWords: Record<ExperimentAction, ActionWords> = {
  start: { label: 'Start', done: 'It has started' },
  pause: { label: 'Pause', done: 'All items go to the champion' },
  resume: { label: 'Resume', done: 'It goes on' },
  stop: { label: 'Stop', done: 'It is over', asks: 'It ends for good. Its devices go on with the champion.' },
  promote: {
    label: 'Promote',
    done: 'A rollout takes it to all devices',
    asks: 'The experiment ends, and a rollout takes the release to every device of the selector. The rollout can be watched and rolled back.',
  },
};

const actionsIn: Record<ExperimentState, readonly ExperimentAction[]> = {
  draft: ['start', 'stop'],
  running: ['pause', 'promote', 'stop'],
  paused: ['resume', 'promote', 'stop'],
  concluded: ['promote'],
  stopped: ['promote'],
  promoted: [],
};

export function ExperimentActions({ experiment }: { experiment: ExperimentDetail }) {
  const { id, name, state, arms, winner } = experiment;
  const { may } = useSession();
  const [asked, setAsked] = useState<ExperimentAction>();
  const [reason, setReason] = useState('');
  const [release, setRelease] = useState(winner ?? arms.at(-1)?.release ?? '');
  const act = useChange('actOnExperiment', {
    makesOld: ['showExperiment', 'listExperiments', 'listExperimentDevices', 'listExperimentEvents', 'listRollouts', 'listAudit'],
    onDone: () => setAsked(undefined),
  });
  if (!may('operator')) return null;
  const send = (action: ExperimentAction): void => {
    const words = reason.trim() === '' ? {} : { reason: reason.trim() };
    act.mutate(
      { params: { id }, body: { action, ...words, ...(action === 'promote' ? { release } : {}) } },
      { onSuccess: () => announce(actionWords[action].done), onError: (error) => asked === undefined && announceProblem(error) },
    );
  };
  const begin = (action: ExperimentAction): void => {
    act.reset();
    setReason('');
    setRelease(winner ?? arms.at(-1)?.release ?? '');
    if (actionWords[action].asks === undefined) send(action);
    else setAsked(action);
  };
  return (
    <>
      {actionsIn[state].map((action) => (
        <Button
          key={action}
          size="sm"
          variant={action === 'promote' && winner !== null ? 'filled' : 'default'}
          disabled={act.isPending}
          aria-haspopup={actionWords[action].asks === undefined ? undefined : 'dialog'}
          onClick={() => begin(action)}
        >
          {actionWords[action].label}
        </Button>
      ))}
      {asked !== undefined && (
        <ConfirmDialog
          title={`${actionWords[asked].label}: ${name}`}
          verb={actionWords[asked].label}
          isPending={act.isPending}
          error={act.error}
          onConfirm={() => send(asked)}
          onClose={() => setAsked(undefined)}
        >
          {actionWords[asked].asks}
          {asked === 'promote' && (
            <NativeSelect
              mt="sm"
              label="Release"
              data={arms.map((arm) => ({ value: arm.release, label: `${arm.name}${arm.release === winner ? ', the winner' : ''}` }))}
              value={release}
              onChange={({ currentTarget }) => setRelease(currentTarget.value)}
            />
          )}
          <Textarea
            mt="sm"
            label="Why"
            description="Stands in the timeline and in the audit."
            autosize
            minRows={2}
            maxLength={1000}
            value={reason}
            onChange={({ currentTarget }) => setReason(currentTarget.value)}
          />
        </ConfirmDialog>
      )}
    </>
  );
}
