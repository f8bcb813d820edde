import { useBlocker } from '@tanstack/react-router';
import { ConfirmDialog } from '../../parts/confirm-dialog.tsx';

/** Asks before what was written is left behind; the browser asks by itself where the whole window goes. */
export function LeaveGuard({ isActive }: { isActive: boolean }) {
  const { status, proceed, reset } = useBlocker({ shouldBlockFn: () => isActive, enableBeforeUnload: () => isActive, withResolver: true });
  if (status !== 'blocked') return null;
  return (
    <ConfirmDialog title="Leave without saving?" verb="Leave" isPending={false} error={null} onConfirm={proceed} onClose={reset}>
      What you wrote is not saved and would be gone.
    </ConfirmDialog>
  );
}
