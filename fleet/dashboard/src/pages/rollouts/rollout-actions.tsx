import { Button, Textarea } from '@mantine/core';
import type { RolloutAction, RolloutDetail } from '@starling/shared';
import { useState } from 'react';
import { useChange } from '../../data/queries.ts';
import { useSession } from '../../data/session.ts';
import { ConfirmDialog } from '../../parts/confirm-dialog.tsx';
import { announce, announceProblem } from '../../parts/notice.ts';
import { isOpen } from './state-words.ts';

interface ActionWords {
  label: string;
  done: string;
  /** What it does, where one should think before. */
  asks?: string;
}

const actionWords: Record<RolloutAction, ActionWords> = {
  pause: { label: 'Pause', done: 'It stands still; devices on their way go on' },
  resume: { label: 'Resume', done: 'It goes on' },
  promote: {
    label: 'Promote',
    done: 'The next step begins',
    asks: 'The step counts as passed, whatever its devices and its gates say, and the next one begins.',
  },
  approve: { label: 'Approve', done: 'You have approved it' },
  abort: {
    label: 'Abort',
    done: 'Nothing more is started',
    asks: 'Nothing more is started. Devices on their way finish, and those that run the new release keep it.',
  },
  rollback: {
    label: 'Roll back',
    done: 'Its devices go back',
    asks: 'Every device that was given the new release goes back to the one that it had before.',
  },
  stop: {
    label: 'Stop now',
    done: 'Devices on their way are called back',
    asks: 'Nothing more is started, and devices on their way are called back at once to what they had. Those that run the new release keep it.',
  },
};

/** What may be done about a rollout in its state. */
function actionsIn({ state, waiting, waves, step }: RolloutDetail): RolloutAction[] {
  if (state === 'rolling-back' || state === 'stopping' || state === 'rolled-back') return [];
  if (!isOpen(state)) return ['rollback'];
  const isApproving = waves.find((wave) => wave.step === step)?.kind === 'approve' || waiting?.kind === 'approvals';
  const going: RolloutAction[] = state === 'paused' ? ['resume', 'promote'] : state === 'running' ? ['pause', 'promote'] : [];
  return [...(isApproving ? (['approve'] as const) : []), ...going, 'abort', 'rollback', 'stop'];
}

export function RolloutActions({ rollout }: { rollout: RolloutDetail }) {
  const { may } = useSession();
  const [asked, setAsked] = useState<RolloutAction>();
  const [reason, setReason] = useState('');
  const act = useChange('actOnRollout', {
    makesOld: ['showRollout', 'listRollouts', 'listRolloutTargets', 'listRolloutEvents', 'listAudit'],
    onDone: () => setAsked(undefined),
  });
  if (!may('operator')) return null;
  const send = (action: RolloutAction): void => {
    const words = reason.trim() === '' ? {} : { reason: reason.trim() };
    // Two people who promote at the same time promote once.
    const step = action === 'promote' || action === 'approve' ? { step: rollout.step } : {};
    act.mutate(
      { params: { id: rollout.id }, body: { action, ...words, ...step } },
      { onSuccess: () => announce(actionWords[action].done), onError: (error) => asked === undefined && announceProblem(error) },
    );
  };
  const begin = (action: RolloutAction): void => {
    act.reset();
    setReason('');
    if (actionWords[action].asks === undefined) send(action);
    else setAsked(action);
  };
  return (
    <>
      {actionsIn(rollout).map((action) => (
        <Button
          key={action}
          size="sm"
          variant={action === 'approve' ? 'filled' : 'default'}
          disabled={act.isPending}
          aria-haspopup={actionWords[action].asks === undefined ? undefined : 'dialog'}
          onClick={() => begin(action)}
        >
          {actionWords[action].label}
        </Button>
      ))}
      {asked !== undefined && (
        <ConfirmDialog
          title={`${actionWords[asked].label}: ${rollout.name}`}
          verb={actionWords[asked].label}
          isPending={act.isPending}
          error={act.error}
          onConfirm={() => send(asked)}
          onClose={() => setAsked(undefined)}
        >
          {actionWords[asked].asks}
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
