import { Button } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import type { DeviceView } from '@starling/shared';
import { useChange } from '../../data/queries.ts';
import { useSession } from '../../data/session.ts';
import { ConfirmDialog } from '../../parts/confirm-dialog.tsx';
import { announce, announceProblem } from '../../parts/notice.ts';
import { AssignDialog } from './assign-dialog.tsx';
import { EditDialog } from './edit-dialog.tsx';

const old = ['showDevice', 'listDevices', 'overview', 'listAudit'] as const;

/** What a person may do to a device. */
export function DeviceActions({ device }: { device: DeviceView }) {
  const { may } = useSession();
  const [isEditing, editing] = useDisclosure(false);
  const [isAssigning, assigning] = useDisclosure(false);
  const [isRevoking, revoking] = useDisclosure(false);
  const approve = useChange('approveDevice', { makesOld: old, onDone: () => announce(`${device.name} is let in`) });
  const revoke = useChange('revokeDevice', {
    makesOld: old,
    onDone: () => {
      announce(`${device.name} is shut out`);
      revoking.close();
    },
  });
  if (!may('operator') || device.status === 'revoked') return null;
  const params = { id: device.id };
  return (
    <>
      {device.status === 'pending' && (
        <Button loading={approve.isPending} onClick={() => approve.mutate({ params }, { onError: announceProblem })}>
          Let in
        </Button>
      )}
      <Button variant={device.status === 'pending' ? 'default' : 'filled'} onClick={assigning.open}>
        Assign a release
      </Button>
      <Button variant="default" onClick={editing.open}>
        Edit
      </Button>
      <Button variant="default" c="var(--mantine-color-error)" onClick={revoking.open}>
        Revoke
      </Button>
      {isEditing && <EditDialog device={device} onClose={editing.close} />}
      {isAssigning && <AssignDialog device={device} onClose={assigning.close} />}
      {isRevoking && (
        <ConfirmDialog
          title={`Revoke ${device.name}?`}
          verb="Revoke the device"
          isPending={revoke.isPending}
          error={revoke.error}
          onConfirm={() => revoke.mutate({ params })}
          onClose={revoking.close}
        >
          It is cut off at once and for good: its key is never accepted again. What it runs goes on running there, unheard. To bring the
          device back it has to enrol anew, with a new key.
        </ConfirmDialog>
      )}
    </>
  );
}
