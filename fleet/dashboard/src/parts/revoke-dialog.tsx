import type { ReactNode } from 'react';
import { ConfirmDialog } from './confirm-dialog.tsx';
import { announce } from './notice.ts';

interface RevokeDialogProps {
  name: string;
  /** What it is, on the button. */
  what: string;
  change: { isPending: boolean; error: unknown };
  onRevoke: () => void;
  onClose: () => void;
  /** What that means. */
  children: ReactNode;
}

/** Asks before a key of any kind opens nothing any more. */
export function RevokeDialog({ name, what, change, onRevoke, onClose, children }: RevokeDialogProps) {
  const { isPending, error } = change;
  return (
    <ConfirmDialog title={`Revoke ${name}?`} verb={`Revoke the ${what}`} onConfirm={onRevoke} {...{ isPending, error, onClose }}>
      {children}
    </ConfirmDialog>
  );
}

/** Says that it is done, and closes. */
export function afterRevoking(name: string, onClose: () => void): () => void {
  return () => {
    announce(`${name} is revoked`);
    onClose();
  };
}
