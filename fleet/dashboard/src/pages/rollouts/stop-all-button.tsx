import { Button } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { read, useChange } from '../../data/queries.ts';
import { counted } from '../../format/quantity.ts';
import { ConfirmDialog } from '../../parts/confirm-dialog.tsx';
import { announce } from '../../parts/notice.ts';

/** For the day on which nobody knows yet what is wrong, and everything should stand still. */
export function StopAllButton() {
  const [isOpen, dialog] = useDisclosure(false);
  const open = useQuery(read('listRollouts', { query: { open: 'true', limit: 1 } }));
  const stop = useChange('stopAllRollouts', {
    makesOld: ['listRollouts', 'showRollout'],
    onDone: ({ stopped }) => {
      announce(stopped.length === 0 ? 'No rollout was open' : `Stopped: ${stopped.join(', ')}`);
      dialog.close();
    },
  });
  const count = open.data?.total ?? 0;
  if (count === 0) return null;
  return (
    <>
      <Button variant="default" color="red" onClick={dialog.open} aria-haspopup="dialog">
        Stop all
      </Button>
      {isOpen && (
        <ConfirmDialog
          title="Stop every open rollout"
          verb="Stop all"
          isPending={stop.isPending}
          error={stop.error}
          onConfirm={() => stop.mutate({ body: { reason: 'emergency stop from the dashboard' } })}
          onClose={dialog.close}
        >
          {counted(count)} {count === 1 ? 'rollout is' : 'rollouts are'} open. Nothing more is started, and devices on their way are called
          back at once to what they had. Those that run the new release already stay with it; roll a rollout back to change that.
        </ConfirmDialog>
      )}
    </>
  );
}
